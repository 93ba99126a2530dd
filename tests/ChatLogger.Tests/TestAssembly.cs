using System.Runtime.CompilerServices;
using ChatLogger.Tests;
using ChatLogger.Tests.Clients;
using ChatLogger.Tests.Contracts;
using ChatLogger.Tests.Data;
using ChatLogger.Tests.Features.Analytics;
using ChatLogger.Tests.Features.Live;
using ChatLogger.Tests.Features.Search;
using ChatLogger.Tests.Hosting;
using ChatLogger.Tests.Import;
using ChatLogger.Tests.Telemetry;

[assembly: TestCollectionOrderer(TestAssembly.Order, "ChatLogger.Tests")]

namespace ChatLogger.Tests;

internal static class TestAssembly
{
    internal const string Order = "ChatLogger.Tests." + nameof(TestOrder);

#pragma warning disable CA2255 // A test assembly is started by a runner, not referenced by programs.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Initialize() => PostgresPrograms.Provide();
}

public sealed class TestOrder()
    : LongestFirst(
        nameof(HostileInputTests),
        nameof(CommandLineTests),
        nameof(FirstStartTests),
        nameof(PrivateDatabaseTests),
        nameof(ClientTests),
        nameof(ImportCommandTests),
        nameof(LiveStreamsTests),
        nameof(SummaryPropertyTests),
        nameof(ProductionTests),
        nameof(OtlpTests),
        nameof(RefusedStartTests),
        nameof(SearchIndexTests),
        nameof(MetricsTests),
        nameof(MatrixTests),
        nameof(PrivateDatabaseWatchTests),
        nameof(DeadlineTests),
        nameof(ConnectionTests),
        nameof(RollupsTests),
        nameof(UnixSocketTests),
        nameof(PoolerTests),
        nameof(TlsFailureTests));
