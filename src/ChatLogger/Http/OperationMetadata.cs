namespace ChatLogger.Http;

/// <summary>
/// An endpoint's own refusals, beside those that its credential, path and body bring with them. For the OpenAPI document.
/// </summary>
internal sealed class ProblemsMetadata(params ProblemType[] types)
{
    public IReadOnlyList<ProblemType> Types => types;
}

/// <summary>Headers that an endpoint's success has, beside the <c>Location</c> of each 201. For the OpenAPI document.</summary>
internal sealed class ResponseMetadata(int status, params string[] headers)
{
    public int Status => status;

    public IReadOnlyList<string> Headers => headers;
}

/// <summary>
/// An endpoint that answers 200 with a file; where the file can be fetched again, also with a part of it or with 304. For the
/// OpenAPI document.
/// </summary>
internal sealed class FileResponseMetadata(bool again)
{
    public bool Again => again;
}

/// <summary>An endpoint that asks the database though nobody has to say who they are. For the OpenAPI document.</summary>
internal sealed class RequiresDatabase;
