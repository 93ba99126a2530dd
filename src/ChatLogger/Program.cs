using ChatLogger.Cli;

return await CommandLine.Run(args);

/// <summary>The executable; what it does is in <see cref="CommandLine"/>.</summary>
internal sealed partial class Program;
