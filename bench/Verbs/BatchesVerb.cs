using System.CommandLine;
using ChatLogger.Bench.Comparison;

namespace ChatLogger.Bench.Verbs;

/// <summary>batches: posts a hundred messages per request, to this service and the others in turns, and prints rates and ratios.</summary>
internal static class BatchesVerb
{
    public static Command Create() =>
        PostVerb.Create("batches", "Compare the rate of posting messages a hundred at a time with pgbench's, in one run", Load.Batches);
}
