using NodaTime;

namespace ChatLogger.ExportJobs;

/// <summary>How a file is written, where its format leaves a choice.</summary>
/// <param name="Bom">Whether U+FEFF comes first, by which Excel knows UTF-8.</param>
/// <param name="LocalTimes">The zone whose clock and offset times are written in; null: UTC with Z.</param>
internal sealed record ExportStyle(bool Bom = false, DateTimeZone? LocalTimes = null);
