using System.Globalization;

namespace ChatLogger.ExportJobs;

/// <summary>Names for files to be saved under. Made of the slug and the time: nothing a caller wrote could lead elsewhere.</summary>
internal static class ExportFileName
{
    public static string Of(string slug, SyncExportFile file) => Of(slug, file.At, file.Format);

    public static string Of(string slug, DateTimeOffset at, IExportFormat format) =>
        string.Create(CultureInfo.InvariantCulture, $"{slug}-{at.UtcDateTime:yyyyMMdd-HHmmss}.{format.FileExtension}");
}
