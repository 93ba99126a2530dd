namespace ChatLogger.Http;

/// <summary>
/// The format of the errors of an endpoint whose protocol is not ours. As metadata of the endpoint it replaces problem+json.
/// </summary>
internal interface IProblemFormat
{
    /// <summary>Writes the error and returns its content type.</summary>
    string Write(HttpContext context, ProblemException problem, Stream body);
}
