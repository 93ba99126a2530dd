using ChatLogger.Cli;

return await CommandLine.Run(args);

/// <summary>The executable; <see cref="CommandLine"/> contains its behavior.</summary>
internal sealed partial class Program;
