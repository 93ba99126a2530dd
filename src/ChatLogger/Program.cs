using ChatLogger.Hosting;

return await Verbs.Run(args);

/// <summary>The executable; what it does is in <see cref="Verbs"/>.</summary>
internal sealed partial class Program;
