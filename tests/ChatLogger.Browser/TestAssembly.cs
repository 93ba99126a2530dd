using System.Runtime.CompilerServices;
using ChatLogger.Browser;

[assembly: TestCollectionOrderer(TestAssembly.Order, "ChatLogger.Browser")]

namespace ChatLogger.Browser;

internal static class TestAssembly
{
    internal const string Order = "ChatLogger.Browser." + nameof(TestOrder);

#pragma warning disable CA2255 // A test assembly is started by a runner, not referenced by programs.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Initialize() => PostgresPrograms.Provide();
}

public sealed class TestOrder() : LongestFirst(nameof(WideScreenTests), nameof(NarrowScreenTests));
