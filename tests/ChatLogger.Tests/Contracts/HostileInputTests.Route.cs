using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using static ChatLogger.Testing.AnswerRules;

namespace ChatLogger.Tests.Contracts;

public sealed partial class HostileInputTests
{
    /// <summary>A route, an organization of its own, and a caller with access.</summary>
    private sealed class Route
    {
        private readonly HostileInputTests _test;
        private readonly RouteEndpoint _endpoint;
        private readonly EndpointPolicy _access;
        private readonly Dictionary<string, string> _ids;
        private readonly Org _acme;
        private Caller _caller = null!;
        private string _changes = "";

        private Route(HostileInputTests test, RouteEndpoint endpoint, string method, Org acme, Dictionary<string, string> ids)
        {
            (_test, _endpoint, Method, _acme, _ids) = (test, endpoint, method, acme, ids);
            _access = endpoint.Metadata.GetMetadata<EndpointPolicy>()!;
        }

        public string Method { get; }

        public Type? Body => _endpoint.Metadata.GetMetadata<BodyShape>()?.RequestType;

        public ItemShapes? Items => _endpoint.Metadata.GetMetadata<ItemShapes>();

        public Type? Query => _endpoint.Metadata.GetMetadata<QueryShape>()?.Type;

        public IEnumerable<string> Parameters => _endpoint.RoutePattern.Parameters.Select(parameter => parameter.Name);

        /// <summary>
        /// A call of it that is right leaves a caller without a credential, or an organization without anything to play with.
        /// </summary>
        public bool EndsTheSession => Method == "DELETE" || (Body is null && Method is "POST");

        public static async Task<Route> Open(HostileInputTests test, RouteEndpoint endpoint, string method)
        {
            var app = test.App;
            var acme = await app.Org("acme");
            var ids = new Dictionary<string, string> { ["slug"] = acme.Slug, ["org"] = "me" };
            if (endpoint.RoutePattern.Parameters.Any(parameter => parameter.Name is "chatId" or "messageId")
                || endpoint.Metadata.GetMetadata<ItemShapes>() is not null)
            {
                ids["chatId"] = await acme.Chat();
                ids["messageId"] = await acme.Say(ids["chatId"], "hello");
            }
            var route = new Route(test, endpoint, method, acme, ids);
            await route.Renew();
            route._changes = await test.Changes();
            return route;
        }

        public override string ToString() => $"{Method} /{_endpoint.RoutePattern.RawText?.Trim('/')}";

        public string ValidItem(Type shape) => shape == typeof(WriteBatch.ChatItem)
            ? """{"type":"chat"}"""
            : $$"""{"type":"message","chatId":"{{_ids["chatId"]}}","role":"user","content":"a"}""";

        /// <summary>Sends a request, and checks the rules for every response.</summary>
        public async Task<Answer> Ask(
            string about,
            byte[]? body = null,
            string type = "application/json",
            string query = "",
            (string Name, string Value)? path = null,
            Action<HttpRequestMessage>? change = null)
        {
            Answer answer;
            try
            {
                answer = await Send();
            }
            // The service may refuse before it has read the body, and close the connection before the client has read the response. Try
            // once more.
            catch (HttpRequestException exception) when (exception.InnerException is IOException)
            {
                answer = await Send();
            }
            // A caller with a Retry-After waits, and one that changed its own password logs in again.
            if (answer.Status == 429)
            {
                _test.App.Clock.Advance(TimeSpan.FromSeconds(int.Parse(answer.Header("Retry-After")!, null)));
                answer = await Send();
            }
            if (answer.Status == 401 && _access.Credential != CredentialKind.None)
            {
                await Renew();
                _changes = await _test.Changes();
                answer = await Send();
            }

            var said = $"{this} with {about}: {answer.Status} {answer.Body}";
            Assert.True(answer.Status < 500, said);
            // Where the header is the credential, a second value makes it invalid.
            Assert.True(
                answer.Status != 401
                || _access.Credential == CredentialKind.None
                || (_access.Credential == CredentialKind.OperatorToken && about.StartsWith("Authorization", StringComparison.Ordinal)),
                said);
            var before = _changes;
            _changes = await _test.Changes();
            if (answer.Status == 207 && answer.Json.TryGetProperty("results", out _))
                await Check(answer.TellsNothing(), before, said);
            if (answer.Status < 400)
                return answer;
            Assert.True(before == _changes, $"{said} has changed a row: {await _test.LastChange()}");
            // Refusals by Kestrel and responses to HEAD have no body.
            if (answer.Body.Length > 0)
            {
                try
                {
                    var isOurs = answer.Header("Content-Type") == "application/problem+json";
                    if (isOurs || _endpoint.Metadata.GetMetadata<IProblemFormat>() is null)
                        answer.IsSafeProblem(answer.Status, answer.Text("type"));
                    else
                        answer.HasSecurityHeaders().TellsNothing();
                }
                catch (Exception exception) when (exception is Xunit.Sdk.XunitException or JsonException)
                {
                    Assert.Fail($"{said}\n{exception.Message}");
                }
            }
            else
            {
                Assert.True(Method == "HEAD" || answer.Status is 400 or 414 or 431, said);
            }
            return answer;

            async Task<Answer> Send()
            {
                ByteArrayContent? content = null;
                if (body is not null)
                {
                    content = new ByteArrayContent(body);
                    content.Headers.TryAddWithoutValidation("Content-Type", type);
                }
                // The path is sent without escaping.
                var target = new Uri(
                    _test.App.Address.GetLeftPart(UriPartial.Authority) + Path(path) + (query.Length == 0 ? "" : "?" + query),
                    new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
                return await _caller.Send(new HttpMethod(Method), "/", content, request =>
                {
                    request.RequestUri = target;
                    change?.Invoke(request);
                });
            }
        }

        // Each item has a result of its own: exactly those with 201 are stored.
        private async Task Check(Answer answer, string before, string said)
        {
            var results = answer["results"].EnumerateArray()
                .Select(result => (Status: result.GetProperty("status").GetInt32(), Replayed: result.GetProperty("replayed").GetBoolean()))
                .ToList();
            Assert.True(results.TrueForAll(result => result.Status is 201 or 400 or 404 or 422), said);
            var written = await _test.Written(before);
            Assert.True(written == results.Count(result => result is (201, false)), $"{said} has written {written}.");
        }

        private IReadOnlyList<RoutePatternPathSegment> Segments => _endpoint.RoutePattern.PathSegments;

        private string Path((string Name, string Value)? hostile) => "/" + string.Join('/', Segments.Select(segment =>
            segment.Parts[0] is RoutePatternLiteralPart literal ? literal.Content
            : segment.Parts[0] is not RoutePatternParameterPart parameter ? ""
            : parameter.Name == hostile?.Name ? hostile.Value.Value
            : _ids.TryGetValue(parameter.Name, out var id) ? id
            : Guid.CreateVersion7().ToString()));

        private async Task Renew()
        {
            var app = _test.App;
            var anyone = new Caller(Http);
            if (_access.Credential == CredentialKind.OperatorToken)
                _caller = anyone.WithToken(Persona.OperatorToken);
            else if (_access.Credential == CredentialKind.ApiKey)
                _caller = anyone.WithKey(await _acme.Key(KeyScope.Ingest, KeyScope.Import));
            else if (_access.Description.Contains(MemberRole.Superadmin, StringComparison.Ordinal))
                _caller = anyone.WithCookie((await app.Superadmin()).Credential!);
            else
                _caller = _access.Credential == CredentialKind.None ? anyone : anyone.WithCookie((await _acme.Admin()).Credential!);
        }
    }
}
