using System.CommandLine;
using ChatLogger.Bench.Comparison;

namespace ChatLogger.Bench.Verbs;

/// <summary>chats: creates one chat per request, on this service and the others in turns, and prints rates and ratios.</summary>
internal static class ChatsVerb
{
    public static Command Create() =>
        PostVerb.Create("chats", "Compare the rate of opening chats with a peer's or pgbench's, in one run", Load.Chats);
}
