using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// The list of what an erasure has removed, one JSON object a line: the erasure, each id with its kind, the receipt. The receipt is the
/// HMAC of the bytes of all lines before it.
/// </summary>
internal sealed class ErasedIdsFile(NpgsqlDataSource db)
{
    public const string ContentType = "application/jsonl";

    private const int PageRows = 2_000;

    /// <summary>The first line: what the erasure came to.</summary>
    public sealed record Head(
        Guid Erasure, Guid Organization, string Subject, long Chats, long Messages, long Feedback, long Exports, DateTimeOffset StartedAt,
        DateTimeOffset FinishedAt);

    /// <summary>Returns the lines before the receipt, in blocks.</summary>
    public async IAsyncEnumerable<byte[]> Lines(Head head, [EnumeratorCancellation] CancellationToken ct)
    {
        yield return [.. JsonSerializer.SerializeToUtf8Bytes(head, Json.Options), (byte)'\n'];
        for (var (kind, after) = ("", Guid.Empty); ;)
        {
            var rows = await Page(head.Organization, head.Erasure, kind, after, ct);
            if (rows.Count == 0)
                yield break;
            yield return Encoding.ASCII.GetBytes(string.Concat(rows.Select(row => $"{{\"{row.Kind}\":\"{row.Id}\"}}\n")));
            (kind, after) = (rows[^1].Kind, rows[^1].Id);
        }
    }

    /// <summary>The last line.</summary>
    public static byte[] LastLine(string receipt) => Encoding.ASCII.GetBytes($"{{\"receipt\":\"{receipt}\"}}\n");

    /// <summary>Returns the receipt.</summary>
    public async Task<byte[]> Receipt(OrganizationSecret secret, Head head, CancellationToken ct)
    {
        using var receipt = secret.Receipt();
        await foreach (var lines in Lines(head, ct))
            receipt.AppendData(lines);
        return receipt.GetHashAndReset();
    }

    private Task<IReadOnlyList<Row>> Page(Guid orgId, Guid erasureId, string kind, Guid after, CancellationToken ct) =>
        db.ReadAsync<Row>(
            """
            select kind, id
            from erased_ids
            where org_id = @OrgId
              and erasure_id = @ErasureId
              and (kind, id) > (@Kind, @After)
            order by kind, id
            limit @PageRows
            """,
            new { OrgId = orgId, ErasureId = erasureId, Kind = kind, After = after, PageRows },
            ct);

    private sealed record Row(string Kind, Guid Id);
}
