namespace ChatLogger.Tests.Features.Live;

/// <summary>What a client sees of the end of a stream while something is being sent.</summary>
public sealed class LiveStreamEndTests(LiveApp app) : IClassFixture<LiveApp>
{
    [Fact]
    public async Task A_stream_that_has_much_to_tell_ends_and_is_not_cut_off()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        using var enough = new CancellationTokenSource();
        var talking = Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
                await acme.Say(chat, "x");
        });
        for (var round = 0; round < 5; round++)
        {
            var member = await acme.Member("viewer");
            using var follower = await LiveReader.Open(app.Address, member.Caller);
            await follower.Next();
            (await member.Caller.Post("/auth/logout")).Is(204);
            while (await follower.NextOrEnd() is not null)
            {
            }
        }
        await enough.CancelAsync();
        await talking;
    }
}
