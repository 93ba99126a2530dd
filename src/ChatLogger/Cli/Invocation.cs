using System.CommandLine;

namespace ChatLogger.Cli;

/// <summary>
/// What a command uses besides its arguments: the streams, environment variables and log of the process, unless a caller gives others.
/// </summary>
internal sealed class Invocation : InvocationConfiguration
{
    public Invocation()
    {
        // Without a timeout here, the host ends requests in flight properly after SIGTERM; it has a limit of its own.
        ProcessTerminationTimeout = null;
        EnableDefaultExceptionHandler = false;
    }

    /// <summary>What the command reads a password from; null is standard input, which is opened only when a command reads it.</summary>
    public TextReader? Input { get; init; }

    /// <summary>Changes where settings come from and where the log goes; runs before anything else is added to the builder.</summary>
    public Action<WebApplicationBuilder>? Customize { get; init; }

    /// <summary>The invocation that the line was invoked with.</summary>
    public static Invocation Of(ParseResult line) => (Invocation)line.InvocationConfiguration;

    /// <summary>The first line of the input that is left; empty at its end.</summary>
    public async Task<string> ReadLine(CancellationToken ct) => await (Input ?? Console.In).ReadLineAsync(ct) ?? "";

    /// <summary>Says in one sentence why nothing is done, and returns the exit code.</summary>
    public int Refuse(string sentence, int exit = 1)
    {
        Error.WriteLine($"chatlogger: {sentence}");
        return exit;
    }
}
