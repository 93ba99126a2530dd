using System.Globalization;
using System.Text;

namespace ChatLogger.Bench.Comparison;

internal sealed record Post(string Path, string Body);

/// <summary>
/// What is posted again and again: how many things one request holds, the requests for an organization and its chats, and the same as one
/// transaction of pgbench, into the tables that <see cref="Pgbench"/> makes.
/// </summary>
internal sealed record Load(string Unit, int PerRequest, Func<string, IReadOnlyList<string>, IEnumerable<Post>> Posts, string Transaction)
{
    private static readonly string[] Roles = ["user", "assistant", "assistant", "user", "tool"];

    /// <summary>One message a request, to the chats in turn.</summary>
    public static readonly Load Messages = new(
        "messages",
        1,
        (slug, chats) => chats.Select((chat, n) => new Post($"api/v1/orgs/{slug}/chats/{chat}/messages", Message(n))),
        $$"""
        \set chat random(1, {{Pgbench.Chats}})
        \set n random(1, 100000)
        insert into chatlogger_bench.messages (org_id, chat_id, id, role, content, metadata, latency_ms, token_count, created_at)
        values ('{{Pgbench.OrgId}}', ('00000000-0000-7000-8000-' || lpad(:chat::text, 12, '0'))::uuid, gen_random_uuid(), 'assistant',
                '{{Content(17)}}', '{"model":"gpt-4o","turn":17}', :n % 2000, :n % 400, now());
        """);

    private const int PerBatch = 100, ChatsPerBatch = 10;

    /// <summary>
    /// A hundred messages a request, ten to each of ten chats. What pgbench writes it makes on the server, and so has nothing to send.
    /// </summary>
    public static readonly Load Batches = new(
        "messages",
        PerBatch,
        (slug, chats) => Enumerable.Range(0, Math.Max(1, chats.Count / ChatsPerBatch)).Select(batch => new Post(
            $"api/v1/orgs/{slug}/batch",
            $"{{\"items\":[{string.Join(',', Enumerable.Range(0, PerBatch).Select(n => Item(Chat(chats, batch, n), n)))}]}}")),
        $$"""
        \set chat random(1, {{Pgbench.Chats - ChatsPerBatch}})
        insert into chatlogger_bench.messages (org_id, chat_id, id, role, content, metadata, latency_ms, token_count, created_at)
        select '{{Pgbench.OrgId}}', ('00000000-0000-7000-8000-' || lpad((:chat + m.n % {{ChatsPerBatch}})::text, 12, '0'))::uuid,
            gen_random_uuid(), 'assistant',
               m.content, '{"model":"gpt-4o","turn":17}', m.n % 2000, m.n % 400, now()
        from unnest(array_fill('{{Content(17)}}'::text, array[{{PerBatch}}])) with ordinality as m(content, n);
        """);

    /// <summary>One chat a request; which chats there are already is of no account.</summary>
    public static readonly Load Chats = new(
        "chats",
        1,
        (slug, chats) => chats.Select((_, n) => new Post($"api/v1/orgs/{slug}/chats", Chat(n))),
        $$"""
        \set n random(1, 100000)
        insert into chatlogger_bench.chats (org_id, id, title, tags, metadata, external_user_id, created_at, updated_at)
        values ('{{Pgbench.OrgId}}', gen_random_uuid(), 'Order no. ' || :n, '{billing,web}', '{"page":"/orders/17","turn":17}', 'v-' || :n,
            now(), now());
        """);

    /// <summary>About 300 bytes of JSON in members that every service of this kind has.</summary>
    public static string Message(int n) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        {"role":"{{Roles[n % Roles.Length]}}","content":"{{Content(n)}}","metadata":{"model":"gpt-4o","turn":{{n}}},
        """ + $$"""
        "latencyMs":{{200 + n * 37 % 2000}},"tokenCount":{{10 + n * 7 % 400}}}
        """);

    private static string Chat(IReadOnlyList<string> chats, int batch, int n) =>
        chats[(batch * ChatsPerBatch + n % ChatsPerBatch) % chats.Count];

    private static string Item(string chat, int n) => $"{{\"type\":\"message\",\"chatId\":\"{chat}\",{Message(n)[1..]}";

    private static string Chat(int n) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        {"title":"Order no. {{n}}","tags":["billing","web"],"metadata":{"page":"/orders/{{n}}","turn":{{n}}},"externalUserId":"v-{{n}}"}
        """);

    // 200 characters with nothing that JSON or SQL would have to escape, so that all three send the same.
    public static string Content(int n)
    {
        var text = new StringBuilder(240);
        while (text.Length < 200)
            text.Append(CultureInfo.InvariantCulture, $"Visitor {n} asks where the order is. ");
        return text.ToString(0, 199) + ".";
    }
}
