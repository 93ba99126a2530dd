using System.Text;
using ChatLogger.Http;
using ChatLogger.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using static ChatLogger.Testing.AnswerRules;

namespace ChatLogger.Tests.Contracts;

/// <summary>
/// Hostile values in every member of every body, every parameter, every part of every path and the headers, of
/// every route, from a caller with access: never a 5xx, never an echo, and a refused request has changed nothing. The routes,
/// members and parameters are those of the running service.
/// </summary>
public sealed partial class HostileInputTests(IdleApp app) : IClassFixture<IdleApp>, IAsyncLifetime
{
    // Sends header values as Latin-1 bytes without checking them.
    private static readonly HttpClient Http = new(new SocketsHttpHandler
    {
        UseCookies = false,
        AllowAutoRedirect = false,
        RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
    });

    [Fact]
    public async Task No_hostile_member_of_a_body_causes_an_error_or_a_change()
    {
        var (values, ofItems) = (new Sweep<byte[]>(Values, oneIn: 6), new Sweep<byte[]>(Values, oneIn: 2));
        await OnEveryRoute(async route =>
        {
            if (route.Body is not { } shape)
                return;
            var valid = await ValidBody(route, shape);
            foreach (var path in Members(shape, ""))
            {
                foreach (var value in values.Next())
                    await route.Ask(body: With(valid(), path, value), about: $"{path} = {Short(value)}");
            }
            foreach (var value in route.Items is null ? [] : ofItems.Next())
                await route.Ask(body: Items(route, value), about: $"each member of an item = {Short(value)}");
        });
        values.HasTriedAll();
    }

    [Fact]
    public async Task No_hostile_body_causes_an_error_or_a_change()
    {
        var types = new Sweep<string>(ContentTypes, oneIn: 4);
        var unexpected = new Sweep<string>(ContentTypes, oneIn: 7);
        var encodings = new Sweep<string>(ContentEncodings, oneIn: 3);
        // Those of two routes differ in what is valid.
        var place = 0;
        var random = new Random(20_261_101);
        await OnEveryRoute(async route =>
        {
            if (route.Body is not { } shape)
            {
                foreach (var type in unexpected.Next())
                    await route.Ask(body: Encoding.UTF8.GetBytes(Marker), type: type, about: $"an unexpected body, Content-Type {type}");
                return;
            }
            var valid = await ValidBody(route, shape);
            foreach (var body in new Sweep<byte[]>([.. Bodies(valid)], oneIn: 4, first: place++).Next())
                await route.Ask(body: body, about: $"body {Short(body)}");
            foreach (var type in types.Next())
                await route.Ask(body: valid(), type: type, about: $"Content-Type {type}");
            foreach (var encoding in encodings.Next())
            {
                await route.Ask(
                    body: valid(),
                    about: $"Content-Encoding {encoding}",
                    change: request => request.Content!.Headers.TryAddWithoutValidation("Content-Encoding", encoding));
            }
            for (var i = 0; i < TestLength.Cases(inShort: 10, inLong: 40); i++)
            {
                var body = Mutated(random, valid());
                await route.Ask(body: body, about: $"mutation {i}: {Short(body)}");
            }
        });
        Assert.True(place >= 4);
        types.HasTriedAll();
        unexpected.HasTriedAll();
        encodings.HasTriedAll();
    }

    [Fact]
    public async Task No_hostile_query_causes_an_error_or_a_change()
    {
        var values = new Sweep<string>(QueryValues, oneIn: 6);
        var queries = new Sweep<string>(Queries, oneIn: 4);
        await OnEveryRoute(async route =>
        {
            var known = route.Query is { } shape
                ? Json.Options.GetTypeInfo(shape).Properties.Select(property => property.Name).ToArray()
                : [];
            foreach (var name in known)
            {
                foreach (var value in values.Next())
                    await route.Ask(query: $"{name}={value}", about: $"?{name}={Short(Encoding.UTF8.GetBytes(value))}");
                await route.Ask(query: $"{name}=1&{name}={Marker}", about: $"{name} twice");
                await route.Ask(query: $"{name.ToUpperInvariant()}={Marker}", about: $"{name} in capitals");
                await route.Ask(query: $"{name}[]={Marker}", about: $"{name} as an array");
                await route.Ask(query: $"{name}", about: $"{name} without a value");
            }
            await route.Ask(query: string.Join('&', known.Select(each => $"{each}={Marker}")), about: "all at once");
            foreach (var query in queries.Next())
                await route.Ask(query: query, body: route.Method == "GET" ? null : [], about: $"?{Short(Encoding.UTF8.GetBytes(query))}");
        });
        values.HasTriedAll();
        queries.HasTriedAll();
    }

    [Fact]
    public async Task No_hostile_path_causes_an_error_or_a_change()
    {
        // One for each parameter, because a parameter has the same position in many routes. They begin at different places.
        var sweeps = new Dictionary<string, Sweep<string>>();
        await OnEveryRoute(async route =>
        {
            foreach (var parameter in route.Parameters)
            {
                if (!sweeps.TryGetValue(parameter, out var values))
                    sweeps.Add(parameter, values = new Sweep<string>(PathValues, oneIn: 8, first: sweeps.Count));
                foreach (var value in values.Next())
                    await route.Ask(path: (parameter, value), about: $"{{{parameter}}} = {Short(Encoding.UTF8.GetBytes(value))}");
            }
        });
        foreach (var parameter in new[] { "slug", "org", "chatId" })
            sweeps[parameter].HasTriedAll();
    }

    [Fact]
    public async Task No_hostile_header_causes_an_error_or_a_change()
    {
        var names = new Sweep<string>(HeaderNames, oneIn: 4);
        var sweeps = HeaderNames.ToDictionary(name => name, _ => new Sweep<string>(HeaderValues, oneIn: HeaderValues.Length));
        await OnEveryRoute(async route =>
        {
            if (route.EndsTheSession)
                return;
            var valid = route.Body is { } shape ? await ValidBody(route, shape) : null;
            foreach (var name in names.Next())
            {
                foreach (var value in sweeps[name].Next())
                {
                    await route.Ask(
                        body: valid?.Invoke(),
                        about: $"{name}: {Short(Encoding.UTF8.GetBytes(value))}",
                        change: request => request.Headers.TryAddWithoutValidation(name, value));
                }
            }
        });
        // Each value in each header, on some route.
        foreach (var sweep in sweeps.Values)
            sweep.HasTriedAll();
    }

    [Fact]
    public async Task The_change_counter_counts_changes_and_only_those()
    {
        var before = await Changes();
        var acme = await app.Org("acme");
        Assert.NotEqual(before, await Changes());

        before = await Changes();
        await app.Execute("update organizations set name = name || 'x' where id = @Id", new { acme.Id });
        Assert.NotEqual(before, await Changes());

        before = await Changes();
        Assert.Equal(before, await Changes());
    }

    private static string Short(byte[] text)
    {
        var shown = Encoding.UTF8.GetString(text);
        return shown.Length <= 120 ? shown : $"{shown[..60]}… ({text.Length} bytes)";
    }

    private async Task OnEveryRoute(Func<Route, Task> story)
    {
        foreach (var endpoint in app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            foreach (var method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods)
                await story(await Route.Open(this, endpoint, method));
        }
    }

    private App App => app;
}
