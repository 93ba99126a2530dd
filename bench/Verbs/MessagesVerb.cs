using System.CommandLine;
using ChatLogger.Bench.Comparison;

namespace ChatLogger.Bench.Verbs;

/// <summary>messages: posts one message per request, to this service and the others in turns, and prints rates and ratios.</summary>
internal static class MessagesVerb
{
    public static Command Create() =>
        PostVerb.Create("messages", "Compare the rate of posting messages with a peer's or pgbench's, in one run", Load.Messages);
}
