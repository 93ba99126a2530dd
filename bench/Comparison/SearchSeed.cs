using System.Globalization;
using System.Text;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Bench.Comparison;

/// <summary>
/// Fills an organization with conversations of the last 90 days, straight into the tables: about twelve messages a chat, 64 chats at a
/// time, of 300 characters on average. Words are drawn from 50,000 as languages have them, the n-th with a frequency of 1/n; some sentences
/// are known (see <see cref="Known"/>), and every fiftieth message is Chinese. The same each time, but for ids and the present time.
/// </summary>
internal static class SearchSeed
{
    private const int AtOnce = 500_000, AtATime = 64, PerChat = 12, Vocabulary = 50_000;

    /// <summary>The search terms, and the share of messages that contain each.</summary>
    public static readonly IReadOnlyList<(string Name, string Query, double Share)> Known =
    [
        ("frequent", "order", 0.2),
        ("in 1 of 100", "warranty", 0.01),
        ("in 1 of 1,000", "gearbox", 0.001),
        ("rare", "zanzibar", 0.000_002),
        ("two words", "order warranty", 0),
        ("phrase", "\"blue parcel locker\"", 0.000_1),
        ("Chinese, two characters", "退款", 0.005),
        ("excluded", "warranty -order", 0),
        ("nothing", "xylophonequark", 0),
        ("frequent beginning", "ord*", 0),
        ("beginning of many words", "b*", 0),
        ("beginning of some words", "bebe*", 0),
        ("rare beginning", "zanz*", 0),
        ("a title", "83000", 0),
    ];

    public static async Task Run(NpgsqlDataSource source, string slug, int messages, CancellationToken stop)
    {
        await using var connection = await source.OpenConnectionAsync(stop);
        var org = await connection.ExecuteScalarAsync<Guid?>("select id from organizations where slug = @slug", new { slug })
            ?? throw new UsageException("There is no such organization in the database to fill.");
        if (
            await connection.ExecuteScalarAsync<long>(
                "select count(*) from (select from messages where org_id = @org limit @messages) there",
                new { org, messages }
            ) >= messages)
            return;

        await Console.Error.WriteLineAsync("Seeding…");
        // The references hold by how they are made; looking each up takes as long as all the rest.
        await connection.ExecuteAsync("set session_replication_role = replica");
        var begin = DateTime.UtcNow.AddDays(-90);
        DateTime At(long n) => Whole(begin.AddDays(90.0 * n / messages));
        var chats = Enumerable.Range(0, messages / PerChat + AtATime).Select(n => Guid.CreateVersion7(At((long)n * PerChat))).ToArray();
        await using (
            var copy = await connection.BeginBinaryImportAsync(
                "copy chats (org_id, id, title, created_at, updated_at) from stdin (format binary)",
                stop))
        {
            for (var n = 0; n < chats.Length; n++)
            {
                var at = At(Math.Min(messages, (long)n * PerChat));
                await copy.StartRowAsync(stop);
                await copy.WriteAsync(org, NpgsqlDbType.Uuid, stop);
                await copy.WriteAsync(chats[n], NpgsqlDbType.Uuid, stop);
                await copy.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"Chat no. {n}"), NpgsqlDbType.Text, stop);
                await copy.WriteAsync(at, NpgsqlDbType.TimestampTz, stop);
                await copy.WriteAsync(at, NpgsqlDbType.TimestampTz, stop);
            }
            await copy.CompleteAsync(stop);
        }

        var random = new Random(42);
        for (var first = 0; first < messages; first += AtOnce)
        {
            await using var copy = await connection.BeginBinaryImportAsync(
                "copy messages (org_id, chat_id, id, role, content, created_at) from stdin (format binary)", stop);
            for (var n = first; n < Math.Min(messages, first + AtOnce); n++)
            {
                var at = At(n);
                await copy.StartRowAsync(stop);
                await copy.WriteAsync(org, NpgsqlDbType.Uuid, stop);
                await copy.WriteAsync(chats[n / PerChat / AtATime * AtATime + random.Next(AtATime)], NpgsqlDbType.Uuid, stop);
                await copy.WriteAsync(Guid.CreateVersion7(at), NpgsqlDbType.Uuid, stop);
                await copy.WriteAsync(n % 2 == 0 ? "user" : "assistant", NpgsqlDbType.Text, stop);
                await copy.WriteAsync(Text(random), NpgsqlDbType.Text, stop);
                await copy.WriteAsync(at, NpgsqlDbType.TimestampTz, stop);
            }
            await copy.CompleteAsync(stop);
        }
        await connection.ExecuteAsync("vacuum analyze chats, messages", commandTimeout: 0);
    }

    private static string Text(Random random)
    {
        var text = new StringBuilder();
        if (random.Next(50) == 0)
        {
            for (var n = random.Next(20, 120); n > 0; n--)
                text.Append((char)(0x4E00 + (int)(3_000 * Math.Pow(random.NextDouble(), 2))));
        }
        else
        {
            for (var n = random.Next(4, 80); n > 0; n--)
                text.Append(Word((int)Math.Pow(Vocabulary, random.NextDouble()))).Append(n % 11 == 0 ? ", " : " ");
        }
        foreach (var (_, query, share) in Known)
        {
            if (random.NextDouble() < share)
                text.Append(query.Trim('"')).Append(' ');
        }
        return text.Append('.').ToString();
    }

    /// <summary>A word of its own for each number; the more frequent the shorter.</summary>
    private static string Word(int n)
    {
        var word = new StringBuilder();
        for (n += 20; n > 0; n /= 80)
            word.Append("bdfghklmnprstvwz"[n % 80 / 5]).Append("aeiou"[n % 5]);
        return word.Append('n').ToString();
    }

    private static DateTime Whole(DateTime time) =>
        new(time.Ticks / TimeSpan.TicksPerMillisecond * TimeSpan.TicksPerMillisecond, DateTimeKind.Utc);
}
