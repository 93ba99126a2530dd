namespace ChatLogger.ExportJobs;

/// <summary>The export failed permanently: a retry would fail too. The reason is a sentence for the caller of the API.</summary>
internal sealed class ExportFailed(string reason, Exception? inner = null) : Exception(reason, inner);
