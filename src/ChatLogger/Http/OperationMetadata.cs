namespace ChatLogger.Http;

/// <summary>
/// The errors of an endpoint in addition to those that follow from its credential, path and body. For the OpenAPI document.
/// </summary>
internal sealed class ProblemsMetadata(params ProblemType[] types)
{
    public IReadOnlyList<ProblemType> Types => types;
}

/// <summary>Response headers of an endpoint's success, in addition to the <c>Location</c> of each 201. For the OpenAPI document.</summary>
internal sealed class ResponseMetadata(int status, params string[] headers)
{
    public int Status => status;

    public IReadOnlyList<string> Headers => headers;
}

/// <summary>
/// Marks an endpoint that answers 200 with a file; if the file can be fetched again, also with a range or 304. For the OpenAPI document.
/// </summary>
internal sealed class FileResponseMetadata(bool again)
{
    public bool Again => again;
}

/// <summary>
/// Marks an endpoint that answers 200 with a stream of events, which a header with the id of an event resumes. For the OpenAPI document.
/// </summary>
internal sealed class EventStreamMetadata(string resumingHeader)
{
    public string ResumingHeader => resumingHeader;
}

/// <summary>Marks an endpoint that queries the database although it needs no credential. For the OpenAPI document.</summary>
internal sealed class RequiresDatabase;
