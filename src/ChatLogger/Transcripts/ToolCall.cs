namespace ChatLogger.Transcripts;

/// <summary>A call of a tool, with its arguments as a string.</summary>
internal readonly record struct ToolCall(string Id, string Name, string Arguments);
