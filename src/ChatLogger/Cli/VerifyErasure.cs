using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ChatLogger.Configuration;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Cli;

/// <summary>
/// The command <c>erasure verify</c>: computes the receipt of a downloaded list of erased ids again, and looks for each id in the database.
/// The exit code is 1 if the receipt does not match or an id is found.
/// </summary>
internal static class VerifyErasure
{
    private const int BatchIds = 1_000;

    private static readonly Argument<string> File =
        new("FILE") { Description = "The file of GET /orgs/{org}/erasures/{erasureId}/ids." };

    // What an id of a chat, a message or a rated thing could still be in. Of a chat everything that belongs to it goes by its id.
    private const string Find =
        """
        select i.id
        from unnest(@Ids) as i(id)
        where exists (select from chats c where c.org_id = @OrgId and c.id = i.id)
           or exists (select from messages m where m.org_id = @OrgId and (m.id = i.id or m.chat_id = i.id))
           or exists (select from feedback f where f.org_id = @OrgId and (f.target_id = i.id or f.chat_id = i.id))
           or exists (select from search_index s where s.org_id = @OrgId and s.chat_id = i.id)
           or exists (select from search_chunks k where k.org_id = @OrgId and k.chat_id = i.id)
           or exists (select from chat_sums u where u.org_id = @OrgId and u.chat_id = i.id)
           or exists (select from chat_quarters q where q.org_id = @OrgId and q.chat_id = i.id)
           or exists (select from webhook_deliveries d where d.org_id = @OrgId and d.chat_id = i.id)
           or exists (select from idempotency_keys y where y.org_id = @OrgId and y.target_id = i.id)
        """;

    // Exports and the audit log may be on another node.
    private const string FindInFiles =
        """
        select i.id
        from unnest(@Ids) as i(id)
        where exists (select from audit_events a where a.org_id = @OrgId and a.chat_id = i.id)
           or exists (
               select
               from export_chats h
               where h.org_id = @OrgId
                 and i.id between h.first_id and h.last_id
                 and i.id = any(h.chat_ids)
           )
        """;

    public static Command Create()
    {
        var command = new Command("verify", "Check a list of erased ids: its receipt, and that none of them is there any more.") { File };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction((line, ct) => OperatorCommands.WithDatabase(line, (services, ct) => Run(services, line, ct), ct));
        return command;
    }

    private static async Task<int> Run(IServiceProvider services, ParseResult line, CancellationToken ct)
    {
        var output = line.InvocationConfiguration.Output;
        try
        {
            using var file = new StreamReader(line.GetRequiredValue(File));
            return await Verify(services, file, output, ct);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or JsonException or FormatException)
        {
            throw new StartupException("The file cannot be read, or is no list of erased ids.");
        }
    }

    private static async Task<int> Verify(IServiceProvider services, StreamReader file, TextWriter output, CancellationToken ct)
    {
        var db = services.GetRequiredService<NpgsqlDataSource>();
        var first = await file.ReadLineAsync(ct) ?? throw new FormatException();
        if (JsonSerializer.Deserialize<ErasedIdsFile.Head>(first, Json.Options) is not { } head || head.Erasure == Guid.Empty)
            throw new FormatException();
        using var receipt = (await services.GetRequiredService<OrganizationSecrets>().Of(head.Organization, ct)).Receipt();
        receipt.AppendData(Line(first));
        var (ids, counts, found) = (new List<Guid>(), new Dictionary<string, long>(StringComparer.Ordinal), 0L);
        byte[]? stated = null;
        for (var number = 2; await file.ReadLineAsync(ct) is { } text; number++)
        {
            if (stated is not null || Entry(text) is not { } entry)
                throw new StartupException($"Line {number} of the file does not belong in a list of erased ids.");
            if (entry.Receipt is not null)
            {
                stated = entry.Receipt;
                continue;
            }
            receipt.AppendData(Line(text));
            counts[entry.Kind] = counts.GetValueOrDefault(entry.Kind) + 1;
            if (entry.Kind != ErasedKind.Export)
                ids.Add(entry.Id);
            if (ids.Count == BatchIds)
                found += await Look(db, head.Organization, ids, output, ct);
        }
        found += await Look(db, head.Organization, ids, output, ct);
        var matches = stated is not null
            && CryptographicOperations.FixedTimeEquals(receipt.GetHashAndReset(), stated);
        output.WriteLine(matches ? "The receipt matches." : "The receipt does not match: the list is not the one that the service made.");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{counts.Values.Sum()} ids ({string.Join(", ", ErasedKind.All.Select(kind => $"{kind} {counts.GetValueOrDefault(kind)}"))}): "
                + $"{(found == 0 ? "none of them is there any more" : $"{found} are still there")}."));
        return matches && found == 0 ? 0 : 1;
    }

    // One member: the kind and the id, or the receipt. Null: it is something else.
    private static (string Kind, Guid Id, byte[]? Receipt)? Entry(string text)
    {
        try
        {
            var members = JsonSerializer.Deserialize<Dictionary<string, string?>>(text, Json.Options);
            if (members is not { Count: 1 } || members.Single() is not (var kind, { } value))
                return null;
            if (kind == "receipt")
                return (kind, default, Convert.FromHexString(value));
            return ErasedKind.All.Contains(kind) && Guid.TryParseExact(value, "D", out var id) ? (kind, id, null) : null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or FormatException)
        {
            return null;
        }
    }

    private static byte[] Line(string text) => Encoding.UTF8.GetBytes(text + "\n");

    private static async Task<int> Look(NpgsqlDataSource db, Guid orgId, List<Guid> ids, TextWriter output, CancellationToken ct)
    {
        var some = new { OrgId = orgId, Ids = ids.ToArray() };
        ids.Clear();
        var found = (await db.ReadAsync<Guid>(Find, some, ct)).Union(await db.ReadAsync<Guid>(FindInFiles, some, ct)).ToList();
        foreach (var id in found)
            output.WriteLine($"{id} is still there.");
        return found.Count;
    }
}
