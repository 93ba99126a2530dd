using System.Globalization;

namespace ChatLogger.Bench.Chaos;

/// <summary>Five hundred good requests together with one that only PostgreSQL refuses, all at the same moment.</summary>
internal sealed class RowRefused() : Fault("refused")
{
    private const int Good = 500;

    private static int times;

    public override bool FailsNobody => true;

    public override double Lasts => 0;

    public override Task Begin(TestEnvironment site) => throw new NotSupportedException();

    public override async Task Begin(TestEnvironment site, Writers writers)
    {
        await site.Postgres.Execute("alter table messages add constraint drill check (content not like '%poison%') not valid");
        var time = Interlocked.Increment(ref times);
        await writers.SendTogether([
            .. Enumerable
                .Range(0, Good + 1)
                .Select(n =>
                {
                    var token = string.Create(CultureInfo.InvariantCulture, $"refused{time}-{n:D4}");
                    return new Operation(
                        token,
                        Kind.Message,
                        writers.SharedChat,
                        token,
                        n == Good / 2 ? $"{token} poison" : $"{token} good",
                        Acceptable: n != Good / 2);
                }),
        ]);
    }

    public override async Task<string> End(TestEnvironment site)
    {
        await site.Postgres.Execute("alter table messages drop constraint drill");
        return "";
    }
}
