using ChatLogger.Tests.Contracts;
using ChatLogger.Tests.Data;
using ChatLogger.Tests.Features.Analytics;
using ChatLogger.Tests.Features.Search;
using ChatLogger.Tests.Hosting;
using ChatLogger.Tests.Support;
using ChatLogger.Tests.Telemetry;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer(LongestFirst.Name, "ChatLogger.Tests")]

namespace ChatLogger.Tests.Support;

/// <summary>Starts the classes that take longest first, so that none of them is left to run alone in the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    internal const string Name = "ChatLogger.Tests.Support." + nameof(LongestFirst);

    private static readonly string[] Longest =
    [
        nameof(HostileInputTests), nameof(DurabilityTests), nameof(CommandLineTests), nameof(FirstStartTests), nameof(SurvivalTests), nameof(SilentDatabaseTests),
        nameof(PrivateDatabaseTests), nameof(SummaryPropertyTests), nameof(ProductionTests), nameof(OtlpTests), nameof(RefusedStartTests), nameof(FrozenDatabaseTests),
        nameof(SearchIndexTests), nameof(MetricsTests), nameof(MatrixTests), nameof(PrivateDatabaseWatchTests), nameof(DeadlineTests), nameof(ConnectionTests),
        nameof(RollupsTests), nameof(FullPoolTests), nameof(UnixSocketTests), nameof(PoolerTests), nameof(TlsFailureTests),
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) => testCollections.OrderBy(collection =>
    {
        var place = Array.FindIndex(Longest, name => collection.DisplayName.EndsWith($".{name}", StringComparison.Ordinal));
        return place < 0 ? Longest.Length : place;
    });
}
