using NodaTime;

namespace ChatLogger.ExportJobs;

/// <summary>Options of a file that its format leaves open.</summary>
/// <param name="Bom">Whether the file begins with U+FEFF, from which Excel recognizes UTF-8.</param>
/// <param name="LocalTimes">The time zone of the times, which are written with their offset; null: UTC with Z.</param>
internal sealed record ExportStyle(bool Bom = false, DateTimeZone? LocalTimes = null);
