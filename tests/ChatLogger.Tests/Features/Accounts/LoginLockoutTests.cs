using System.Collections.Concurrent;
using System.Diagnostics;

namespace ChatLogger.Tests.Features.Accounts;

/// <summary>An attacker guesses passwords: how often, and what the responses reveal.</summary>
public sealed partial class LoginLockoutTests(LockoutApp app) : IClassFixture<LockoutApp>
{
    private static int _addresses;

    [Fact]
    public async Task After_ten_wrong_passwords_the_account_is_locked_on_every_instance_for_a_while()
    {
        var ann = await (await app.Org("acme")).Member("viewer");
        var other = await app.AnotherInstance();
        var answers = new List<Answer>();
        for (var i = 0; i < 10; i++)
            answers.Add(await Guess(i % 2 == 0 ? app : other, ann.Email, "wrong horse battery"));

        answers.Add(await Guess(app, ann.Email.ToUpperInvariant(), Persona.Password));
        answers.Add(await Guess(other, $" {ann.Email}", Persona.Password));
        answers.Add(await Guess(app, "nobody@nowhere.example", Persona.Password));

        Assert.Single(answers.Select(answer => answer.IsProblem(401, "unauthenticated").Comparable).Distinct());
        Assert.Single(answers.Select(answer => string.Join(',', answer.Headers.Keys.Order())).Distinct());
        Assert.Equal(1, await Sessions(ann)); // The member's own caller has one.
        (await ann.Caller.Get("/users/me")).Is(200);

        await TheWindowEnds();
        (await Guess(app, ann.Email, Persona.Password)).Is(200);
        await other.Stop();
    }

    [Fact]
    public async Task A_correct_password_resets_the_counter_of_the_account_and_not_of_the_address()
    {
        var acme = await app.Org("acme");
        var (ann, ben) = (await acme.Member("viewer"), await acme.Member("viewer"));
        var address = NewAddress();

        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 9; i++)
                (await Guess(app, ann.Email, "wrong horse battery", address)).IsProblem(401, "unauthenticated");
            (await Guess(app, ann.Email, Persona.Password, address)).Is(200);
        }
        for (var i = 0; i < 3; i++)
            (await Guess(app, "nobody@nowhere.example", "wrong", address)).IsProblem(401, "unauthenticated");

        foreach (
            var (email, password) in new[] { (ann.Email, Persona.Password), (ben.Email, "wrong"), ("nobody@nowhere.example", "wrong") })
            Assert.InRange(
                int.Parse((await Guess(app, email, password, address)).IsProblem(429, "throttled").Header("Retry-After")!, null),
                800,
                900);
        (await Guess(app, ann.Email, Persona.Password)).Is(200);
        await TheWindowEnds();
        (await Guess(app, ben.Email, Persona.Password, address)).Is(200);
    }

    [Fact]
    public async Task Every_failed_login_sends_the_same_queries()
    {
        var acme = await app.Org("acme");
        var (ann, locked, disabled) = (await acme.Member("viewer"), await acme.Member("viewer"), await acme.Member("viewer"));
        await app.Execute("update users set disabled_at = now() where id = @Id", new { disabled.Id });
        for (var i = 0; i < 10; i++)
            await Guess(app, locked.Email, "wrong horse battery");
        var asked = new ConcurrentDictionary<string, ConcurrentQueue<string>>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                // No response waits for the audit log.
                if (
                    (activity.GetTagItem("db.query.text") ?? activity.GetTagItem("db.statement")) is string sql
                    && !sql.Contains("audit", StringComparison.Ordinal)
                    && !sql.Contains("advisory", StringComparison.Ordinal))
                    asked.GetOrAdd(activity.TraceId.ToHexString(), _ => new()).Enqueue(sql);
            },
        };
        ActivitySource.AddActivityListener(listener);

        var seen = new List<string>();
        foreach (
            var (email, password) in new[]
            {
                (ann.Email, "wrong horse battery"),
                (locked.Email, "wrong horse battery"),
                (locked.Email, Persona.Password),
                (disabled.Email, Persona.Password),
                ("nobody@nowhere.example", Persona.Password),
                ("no address", Persona.Password),
            })
        {
            var trace = ActivityTraceId.CreateRandom().ToHexString();
            (
                await app.From(NewAddress())
                    .Send(
                        HttpMethod.Post,
                        "/auth/login",
                        Body(email, password),
                        request => request.Headers.Add("traceparent", $"00-{trace}-0123456789abcdef-01"))
            ).Is(401);
            seen.Add(string.Join("\n---\n", asked[trace]));
        }

        Assert.Single(seen.Distinct());
        Assert.Contains("failures + 1", seen[0], StringComparison.Ordinal);
        Assert.Equal(4, seen[0].Split("\n---\n").Length);
    }

    [Fact]
    public async Task Expired_counters_are_deleted_and_contain_no_addresses()
    {
        await app.Execute(
            "insert into password_failures (subject, failures, window_ends_at) select sha256(i::text::bytea), 1, now() - interval '1 "
                + "second' from generate_series(1, 25) i");

        for (var i = 0; i < 3; i++)
            await Guess(app, "someone-in-particular@nowhere.example", "a very special password");

        Assert.Equal(0, await app.Value<long>("select count(*) from password_failures where window_ends_at <= now()"));
        Assert.DoesNotContain(
            app.Log.All,
            line =>
                line.Contains("someone-in-particular", StringComparison.Ordinal)
                || line.Contains("a very special password", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_refusal_and_a_success_are_in_the_audit_log_of_the_members_organization()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("viewer");

        await Guess(app, ann.Email, "wrong horse battery");

        Task<long> Events(string action) =>
            app.Value<long>(
                "select count(*) from audit_events where org_id = @Org and action = @action and target_id = @Ann",
                new
                {
                    Org = acme.Id,
                    action,
                    Ann = ann.Id.ToString(),
                });
        await Wait.Until(async () => await Events("login.refusal") > 0);
        Assert.Equal(1, await Events("login.refusal"));
        Assert.Equal(1, await Events("login.success"));
    }

    [Fact]
    public async Task A_session_has_ten_attempts_at_the_current_password_and_does_not_lock_the_account()
    {
        var acme = await app.Org("acme");
        var (ann, ben) = (await acme.Member("viewer"), await acme.Member("viewer"));
        var other = await app.AnotherInstance();
        Task<Answer> Change(App instance, Person member, string password) => instance.Stranger.WithCookie(member.Caller.Credential!)
            .Patch("/users/me", new { newPassword = "a new horse battery", currentPassword = password });

        var answers = await AtOnce(20, i => Change(i % 2 == 0 ? app : other, ann, $"wrong horse {i}"));

        Assert.Equal(10, answers.Count(answer => answer.Status == 400));
        Assert.Equal(10, answers.Count(answer => answer.Status == 429));
        Assert.InRange(
            int.Parse((await Change(app, ann, Persona.Password)).IsProblem(429, "throttled").Header("Retry-After")!, null),
            800,
            900);
        (await ann.Caller.Patch("/users/me", new { name = "Ann" })).Is(200);
        (await Change(app, ben, Persona.Password)).Is(200);
        (await Guess(app, ann.Email, Persona.Password)).Is(200);
        await TheWindowEnds();
        (await Change(app, ann, Persona.Password)).Is(200);
        await other.Stop();
    }

    private static string NewAddress() => $"192.0.2.{Interlocked.Increment(ref _addresses) % 250}";

    private static ByteArrayContent Body(string email, string password) =>
        Caller.Json(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new { email, password }));

    /// <summary>From a new address, unless one is given.</summary>
    private static Task<Answer> Guess(LockoutApp at, string email, string password, string? address = null) =>
        at.From(address ?? $"2001:db8:{Interlocked.Increment(ref _addresses):x}::1").Post("/auth/login", new { email, password });

    private static Task<Answer> Guess(App at, string email, string password, string? address = null) =>
        Guess((LockoutApp)at, email, password, address);

    private Task<long> Sessions(Person member) => app.Value<long>("select count(*) from sessions where user_id = @Id", new { member.Id });

    private Task<int?> Failures(string email) =>
        app.Value<int?>(
            "select failures from password_failures where subject = @Account",
            new { ChatLogger.Auth.LoginAttempt.AtLogin(email, default).Account });

    private Task<int> TheWindowEnds() => app.Execute("update password_failures set window_ends_at = now()");
}
