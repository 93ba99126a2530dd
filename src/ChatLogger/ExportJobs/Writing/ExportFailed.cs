namespace ChatLogger.ExportJobs;

/// <summary>The export cannot be written, now or later; the reason is a sentence for the caller.</summary>
internal sealed class ExportFailed(string reason, Exception? inner = null) : Exception(reason, inner);
