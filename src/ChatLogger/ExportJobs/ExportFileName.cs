using System.Globalization;

namespace ChatLogger.ExportJobs;

/// <summary>
/// The suggested file names of downloads. They consist of the slug and the time only, so no input of a caller can inject a path.
/// </summary>
internal static class ExportFileName
{
    public static string Of(string slug, SyncExportFile file) => Of(slug, file.At, file.Format);

    public static string Of(string slug, DateTimeOffset at, IExportFormat format) =>
        string.Create(CultureInfo.InvariantCulture, $"{slug}-{at.UtcDateTime:yyyyMMdd-HHmmss}.{format.FileExtension}");
}
