using System.Runtime.CompilerServices;
using ChatLogger.Chaos;

[assembly: TestCollectionOrderer(TestAssembly.Order, "ChatLogger.Chaos")]

namespace ChatLogger.Chaos;

internal static class TestAssembly
{
    internal const string Order = "ChatLogger.Chaos." + nameof(TestOrder);

#pragma warning disable CA2255 // A test assembly is started by a runner, not referenced by programs.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Initialize() => PostgresPrograms.Provide();
}

public sealed class TestOrder() : LongestFirst(
    nameof(DurabilityTests), nameof(SurvivalTests), nameof(SilentDatabaseTests), nameof(FrozenDatabaseTests), nameof(FullPoolTests));
