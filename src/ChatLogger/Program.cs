using System.Globalization;
using ChatLogger.Cli;

// Responses must not depend on the culture of the environment.
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;

return await CommandLine.Run(args);

/// <summary>The executable; <see cref="CommandLine"/> contains its behavior.</summary>
internal sealed partial class Program;
