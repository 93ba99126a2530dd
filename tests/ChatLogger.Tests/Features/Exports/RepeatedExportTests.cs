using System.Text;
using ChatLogger.ExportJobs;
using ChatLogger.Http;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Tests.Features.Exports;

/// <summary>An export that is asked for again under its Idempotency-Key is the one that was accepted.</summary>
public partial class RepeatedExportTests(ExportsApp app) : IClassFixture<ExportsApp>
{
    private const string Body = """{"format":"jsonl","mode":"async"}""";

    [Fact]
    public async Task Asked_again_it_is_the_same_export_as_it_is_by_then()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();

        var first = (await Ask(admin, "k")).Is(202);
        var second = (await Ask(admin, "\"k\"")).Is(202);

        Assert.Null(first.Header("Idempotent-Replayed"));
        Assert.Equal("true", second.Header("Idempotent-Replayed"));
        Assert.Equal(first.Body, second.Body);
        Assert.Equal($"/exports/orgs/me/{first.Text("id")}", second.Header("Location"));

        // It is the organization's: another admin finds it too, and so does a superadmin, under the name the organization has for them.
        var later = (await Ask(await app.Superadmin(), "k", path: $"/exports/orgs/{acme.Slug}")).Is(202);
        Assert.Equal((first.Text("id"), "true"), (later.Text("id"), later.Header("Idempotent-Replayed")));
        Assert.Equal($"/exports/orgs/{acme.Slug}/{first.Text("id")}", later.Header("Location"));

        foreach (
            var (end, state) in new[]
            {
                ("state = 'cancelled', finished_at = now()", "cancelled"),
                ("state = 'failed', reason = 'r'", "failed"),
                ("state = 'expired'", "expired"),
            })
        {
            await app.Execute($"update exports set {end} where org_id = @Id", new { acme.Id });
            var again = (await Ask(admin, "k")).Is(202);
            Assert.Equal((first.Text("id"), state), (again.Text("id"), again.Text("state")));
        }
        Assert.Equal(1, await acme.Count("exports"));
        Assert.Equal(
            1,
            await app.Value<long>("select count(*) from audit_events where org_id = @Id and action = 'export.requested'", new { acme.Id }));
        Assert.Equal(
            "exports",
            await app.Value<string>(
                "select route from idempotency_keys where org_id = @Id and parent_id = @None and key = 'k' and target_id = @Export::uuid",
                new
                {
                    acme.Id,
                    None = Guid.Empty,
                    Export = first.Text("id"),
                }));
    }

    [Fact]
    public async Task Another_body_is_a_mistake_and_another_organization_another_key()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var admin = await acme.Admin();
        (await Ask(admin, "k")).Is(202);
        // The same key of a chat is another one.
        (
            await (await acme.Plugin()).Send(
                HttpMethod.Post,
                $"{acme.ApiPath}/chats",
                Caller.Json("{}"u8.ToArray()),
                request => request.Headers.Add("Idempotency-Key", "k"))
        ).Is(201);

        (await Ask(admin, "k", """{"format":"csv","mode":"async"}""")).IsProblem(422, "idempotency-key-reused");
        (await Ask(admin, "k", """{"format":"jsonl"}""")).IsProblem(422, "idempotency-key-reused");
        (await Ask(admin, "k", """{"format":"xml"}""")).IsInvalid("format");
        (await Ask(admin, new string('k', 256))).IsInvalid("idempotencyKey");
        Assert.Null((await Ask(await globex.Admin(), "k")).Is(202).Header("Idempotent-Replayed"));
        Assert.Null((await Ask(admin, "K")).Is(202).Header("Idempotent-Replayed"));

        Assert.Equal(2, await acme.Count("exports"));
        Assert.Equal(1, await globex.Count("exports"));
    }

    [Fact]
    public async Task A_file_that_was_the_answer_is_not_remembered()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();

        Assert.Equal("", (await Ask(admin, "k", """{"format":"jsonl"}""")).Is(200).Body);
        var chat = await acme.Chat();
        var second = (await Ask(admin, "k", """{"format":"jsonl"}""")).Is(200);

        Assert.Contains(chat, second.Body, StringComparison.Ordinal);
        Assert.Null(second.Header("Idempotent-Replayed"));
        (await Ask(admin, "k", """{"format":"csv"}""")).Is(200);
        Assert.Equal(
            1,
            await app.Value<long>(
                "select (select count(*) from idempotency_keys where org_id = @Id) + (select count(*) from chats where org_id = @Id)",
                new { acme.Id }));
    }

    [Fact]
    public async Task An_accepted_export_stays_asynchronous_when_it_has_become_small()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        await acme.LongChat(10_001, 1);

        var accepted = (await Ask(admin, "k", """{"format":"jsonl"}""")).Is(202);
        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });

        Assert.Equal(accepted.Body, (await Ask(admin, "k", """{"format":"jsonl"}""")).Is(202).Body);
        (await admin.Post(ExportFixture.Path, """{"format":"jsonl"}""")).Is(200);
    }

    [Fact]
    public async Task A_refusal_is_not_remembered_and_a_replay_is_never_refused_for_being_one_too_many()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var first = (await Ask(admin, "k0")).Is(202);
        for (var i = 1; i < 10; i++)
            (await Ask(admin, $"k{i}")).Is(202);

        (await Ask(admin, "k10")).IsProblem(409, "export-queue-full");
        Assert.Equal(first.Text("id"), (await Ask(admin, "k0")).Is(202).Text("id"));
        await app.Execute("update exports set state = 'cancelled', finished_at = now() where org_id = @Id", new { acme.Id });
        Assert.Null((await Ask(admin, "k10")).Is(202).Header("Idempotent-Replayed"));

        for (var i = 11; i < 20; i++)
            (await Ask(admin, $"k{i}")).Is(202);
        await app.Execute(
            "update exports set state = 'cancelled', finished_at = now() where org_id = @Id and state = 'queued'",
            new { acme.Id });
        (await Ask(admin, "k20")).IsProblem(429, "throttled");
        Assert.Equal(first.Text("id"), (await Ask(admin, "k0")).Is(202).Text("id"));
        Assert.Equal(20, await acme.Count("exports"));
        Assert.Equal(20, await acme.Count("idempotency_keys"));
    }

    [Fact]
    public async Task Fifty_at_once_on_two_instances_make_one_export_and_get_one_answer()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var other = await app.AnotherInstance();
        var there = other.Stranger.WithCookie(admin.Credential!);

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() => Ask(i % 2 == 0 ? admin : there, "k"))));
        await other.Stop();

        Assert.Single(answers.Select(answer => answer.Is(202).Text("id")).Distinct());
        Assert.Equal(49, answers.Count(answer => answer.Header("Idempotent-Replayed") == "true"));
        Assert.Equal(1, await acme.Count("exports"));
        Assert.Equal(1, await acme.Count("idempotency_keys"));
    }

    [Fact]
    public async Task Those_that_have_all_found_nothing_meet_at_the_key()
    {
        var acme = await app.Org("acme");
        var queue = app.Services.GetRequiredService<ExportQueue>();
        Task<EnqueuedExport> Enqueue(byte[] body) =>
            queue.Enqueue(
                new ExportRequest(acme.Id, "jsonl", null, null, null, [], null, null),
                acme.Id,
                "UTC",
                Persona.Operator,
                new Idempotency("k", new BodyHash(body)),
                CancellationToken.None);

        var accepted = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => Enqueue(new byte[32]))));

        Assert.Single(accepted.Select(each => each.Export.Id).Distinct());
        Assert.Equal(19, accepted.Count(each => each.Replayed));
        Assert.Equal(
            ProblemType.IdempotencyKeyReused,
            (await Assert.ThrowsAsync<ProblemException>(() => Enqueue([1, .. new byte[31]]))).Type);
        Assert.Equal(1, await acme.Count("exports"));
    }

    [Fact]
    public async Task An_uncommitted_duplicate_on_another_instance_is_waited_for_up_to_the_time_out()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        await using var elsewhere = await app.Rows.OpenConnectionAsync();
        await using var transaction = await elsewhere.BeginTransactionAsync();
        await new NpgsqlCommand(
            $"insert into idempotency_keys (org_id, route, parent_id, key, body_sha256, target_id, created_at) values ('{acme.Id}', "
                + $"'exports', '{Guid.Empty}', 'k', sha256('{Body}'), '{Guid.NewGuid()}', now())",
            elsewhere,
            transaction).ExecuteNonQueryAsync();

        // On a busy machine the deadline may pass before the answer; then the request is sent again.
        async Task<Answer> Twin()
        {
            while (true)
            {
                using var pace = LoadAwareStopwatch.Start();
                var answer = await Ask(admin, "k");
                if (answer.Status != 503 || pace.Slowness < 1.5)
                    return answer;
            }
        }
        var twin = Twin();
        var twinHere = Twin();
        (await Ask(admin, "neighbour")).Is(202);
        foreach (var answer in new[] { await twin, await twinHere })
        {
            answer.IsProblem(409, "idempotency-key-in-use");
            Assert.Equal("1", answer.Header("Retry-After"));
        }
        Assert.Equal(1, await acme.Count("exports"));

        await transaction.RollbackAsync();
        Assert.Null((await Ask(admin, "k")).Is(202).Header("Idempotent-Replayed"));
    }

    private static Task<Answer> Ask(Caller admin, string key, string body = Body, string path = ExportFixture.Path) =>
        admin.Send(
            HttpMethod.Post,
            path,
            Caller.Json(Encoding.UTF8.GetBytes(body)),
            request => request.Headers.TryAddWithoutValidation("Idempotency-Key", key));
}
