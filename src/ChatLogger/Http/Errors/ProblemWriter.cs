using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using ChatLogger.Data;
using ChatLogger.Telemetry;
using Microsoft.Net.Http.Headers;
using Npgsql;

namespace ChatLogger.Http;

/// <summary>
/// Writes all error responses: for thrown problems, for exceptions of the framework, the database and bugs, and for the empty 4xx responses
/// of routing. It behaves the same in every environment.
/// </summary>
internal sealed partial class ProblemWriter(RequestDelegate next, TimeProvider time, ILogger<ProblemWriter> log)
{
    // There may be thousands of these responses a second; the metrics count them.
    private readonly LogSampler _unavailable = new(TimeSpan.FromSeconds(5), time);
    private readonly LogSampler _disconnectedReaders = new(TimeSpan.FromSeconds(1), time);

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
            if (FromRouting(context) is { } problem)
                await Write(context, problem);
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            // The client has disconnected, so no response is needed and the failure is not the server's.
            if (Deadline.IsClientDisconnected(context))
                return;
            var problem = Of(exception);
            if (problem.Type == ProblemType.Internal)
                UnexpectedFailure(log, exception);
            else if (problem.Type == ProblemType.Unavailable && _unavailable.ShouldLog(out var suppressed))
                Unavailable(log, Reason(exception), suppressed);
            await Write(context, problem);
        }
        // The status has been sent already. The aborted connection tells the client that the response is incomplete.
        catch (Exception exception)
        {
            if (!Deadline.IsClientDisconnected(context))
                CutShort(log, exception);
            else if (_disconnectedReaders.ShouldLog(out var suppressed))
                ReaderGone(log, suppressed);
            context.Abort();
        }
    }

    /// <summary>Writes the problem as <c>application/problem+json</c> and keeps the headers that are already set.</summary>
    public static async Task Write(HttpContext context, ProblemException problem)
    {
        var response = context.Response;
        response.StatusCode = problem.Type.Status;
        response.ContentType = "application/problem+json";
        response.Headers.CacheControl = "no-store";
        context.RequestServices.GetRequiredService<Instruments>().Refused(problem.Type.Slug, "request");
        // RFC 9110, 15.5.2: a 401 has at least one challenge.
        if (problem.Type == ProblemType.Unauthenticated)
            response.Headers.WWWAuthenticate = Challenge(context.Request.Path);
        if (problem.RetryAfter is { } wait)
            response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

        var body = new MemoryStream();
        if (context.GetEndpoint()?.Metadata.GetMetadata<IProblemFormat>() is { } format)
            response.ContentType = format.Write(context, problem, body);
        else
            WriteJson(context, problem, body);
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), CancellationToken.None);
    }

    private static void WriteJson(HttpContext context, ProblemException problem, MemoryStream body)
    {
        using (var json = new Utf8JsonWriter(body, new JsonWriterOptions { Encoder = Json.Encoder }))
        {
            Write(json, problem, TraceId(context));
        }
    }

    /// <summary>Writes the problem as a JSON object.</summary>
    public static void Write(Utf8JsonWriter json, ProblemException problem, string traceId)
    {
        json.WriteStartObject();
        json.WriteString("type", problem.Type.Slug);
        json.WriteString("title", problem.Type.Title);
        json.WriteNumber("status", problem.Type.Status);
        json.WriteString("detail", problem.Message);
        json.WriteString("traceId", traceId);
        if (problem.Errors is { } errors)
        {
            json.WriteStartObject("errors");
            foreach (var (path, sentences) in errors)
            {
                json.WriteStartArray(path);
                foreach (var sentence in sentences)
                    json.WriteStringValue(sentence);
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    public static string TraceId(HttpContext context) => Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;

    private static string Challenge(PathString path) =>
        path.StartsWithSegments("/api") || IntegrationPaths.Contain(path) ? "ApiKey"
        : path.StartsWithSegments("/metrics") ? "Bearer" : "Cookie";

    // Routing sets a bare status for an unknown path, a wrong method or a wrong content type.
    private static ProblemException? FromRouting(HttpContext context)
    {
        var response = context.Response;
        if (response.HasStarted || response.ContentLength is not null || response.Headers.ContainsKey(HeaderNames.ContentType))
            return null;
        return response.StatusCode switch
        {
            404 => ProblemException.NotFound("There is nothing at this path."),
            405 => ProblemException.MethodNotAllowed(),
            415 => HeaderValidation.WrongContentType(),
            _ => null,
        };
    }

    /// <summary>
    /// The reason that is safe to log: PostgreSQL's messages of these kinds name tables and files, but contain no user data.
    /// </summary>
    public static string Reason(Exception exception) => exception switch
    {
        PostgresException refused => $"{refused.SqlState} {refused.MessageText}",
        NpgsqlException or ProblemException or WaitTimeoutException => exception.Message.ReplaceLineEndings(" "),
        OperationCanceledException or TimeoutException => "The database did not answer within the request's deadline",
        _ => exception.GetType().Name,
    };

    /// <summary>Maps an exception to the problem that the caller receives.</summary>
    public static ProblemException Of(Exception exception) =>
        exception switch
        {
            ProblemException problem => problem,
            BadHttpRequestException { StatusCode: 408 } => ProblemException.RequestTimeout(),
            BadHttpRequestException => ProblemException.Malformed(),
            WaitTimeoutException waited => ProblemException.Unavailable(waited.Message, TimeSpan.FromSeconds(2)),
            OperationCanceledException or TimeoutException => Busy(),
            // 53: out of resources; 55P03: lock timeout; 57: operator intervention; 58: system error; 40: deadlock or serialization; 08:
            // connection; 25006: a standby, or a primary that was just demoted; 42501: an operator has revoked a privilege.
            PostgresException { SqlState: var state }
                when state is "55P03" or "25006" or "42501" || state[..2] is "53" or "57" or "58" or "40" or "08" => Busy(),
            PostgresException refused when Engine.HasLostNode(refused) => Busy(),
            // FATAL ends a session or refuses a new one: the database accepts no connections, does not exist, or has another password.
            PostgresException { InvariantSeverity: "FATAL" or "PANIC" } => Busy(),
            PostgresException => ProblemException.Internal(),
            // Npgsql's other exceptions mean that a connection could not be opened, broke or timed out.
            NpgsqlException or SocketException or IOException => Busy(),
            _ => ProblemException.Internal(),
        };

    private static ProblemException Busy() =>
        ProblemException.Unavailable("The database cannot answer right now. Try again shortly.", TimeSpan.FromSeconds(2));

    [LoggerMessage(LogLevel.Error, "A request failed unexpectedly")]
    private static partial void UnexpectedFailure(ILogger log, Exception exception);

    [LoggerMessage(LogLevel.Error, "A response was aborted after it had started")]
    private static partial void CutShort(ILogger log, Exception exception);

    [LoggerMessage(
        LogLevel.Information, "An answer was cut, for its reader hung up or was too slow; so were {Others} since the last of these lines")]
    private static partial void ReaderGone(ILogger log, long others);

    [LoggerMessage(LogLevel.Warning, "A request was answered with 503: {Reason}; so were {Others} since the last of these lines")]
    private static partial void Unavailable(ILogger log, string reason, long others);
}
