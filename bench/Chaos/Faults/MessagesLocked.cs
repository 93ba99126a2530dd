using Npgsql;

namespace ChatLogger.Bench.Chaos;

/// <summary>Another session locks the table of messages, against readers too.</summary>
internal sealed class MessagesLocked() : Fault("locked")
{
    private NpgsqlConnection? blocker;

    public override double Lasts => 5;

    public override async Task Begin(TestEnvironment site)
    {
        blocker = await site.Postgres.Connect();
        await using var command = new NpgsqlCommand("begin; lock table messages in access exclusive mode", blocker);
        await command.ExecuteNonQueryAsync();
    }

    public override async Task<string> End(TestEnvironment site)
    {
        await blocker!.DisposeAsync();
        return "";
    }
}
