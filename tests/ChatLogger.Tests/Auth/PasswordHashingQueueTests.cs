using ChatLogger.Auth;
using NSubstitute;
using Problem = ChatLogger.Http.ProblemException;

namespace ChatLogger.Tests.Auth;

public class PasswordHashingQueueTests(CountingApp app) : IClassFixture<CountingApp>
{
    private static readonly int AtOnce = Math.Max(1, Environment.ProcessorCount - 1);

    [Fact]
    public async Task Every_failed_login_costs_the_same_work_and_gets_the_same_answer()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("viewer");
        var disabled = await acme.Member("viewer");
        var removed = await acme.Member("viewer");
        var gone = await (await app.Org("gone")).Member("viewer");
        await app.Execute("update users set disabled_at = now() where id = @Id", new { disabled.Id });
        await app.Execute("update users set removed_at = now(), email = null, password_hash = null where id = @Id", new { removed.Id });
        await app.Execute(
            "update organizations set deleted_at = now() where id = (select org_id from users where id = @Id)",
            new { gone.Id });
        // The hash for unknown accounts is created once.
        await app.Stranger.Post("/auth/login", new { email = "nobody@x.example", password = "x" });
        var answers = new List<Answer>();

        foreach (
            var (email, password) in new[]
            {
                (member.Email, "wrong horse battery"),
                ("nobody@acme.example", Persona.Password),
                ("no address", Persona.Password),
                (disabled.Email, Persona.Password),
                (removed.Email, Persona.Password),
                (gone.Email, Persona.Password),
                (member.Email, "short"),
                (member.Email, new string('x', 3_000)),
                (member.Email, Persona.Password + " "),
                ("a\ufffe@acme.example", Persona.Password),
            })
        {
            app.Hasher.ClearReceivedCalls();
            answers.Add((await app.Stranger.Post("/auth/login", new { email, password })).IsProblem(401, "unauthenticated"));
            app.Hasher.Received(1).Verify(password, Arg.Is<string>(hash => hash.StartsWith("$2a$04$", StringComparison.Ordinal)));
            app.Hasher.DidNotReceiveWithAnyArgs().Hash(default!);
        }

        Assert.Single(answers.Select(answer => answer.Comparable).Distinct());
        Assert.Single(answers.Select(answer => string.Join(',', answer.Headers.Keys.Order())).Distinct());
        Assert.All(answers, answer => Assert.Null(answer.Header("Set-Cookie")));
        await app.LogIn(member.Email);
    }

    [Fact]
    public async Task The_service_warms_up_the_hasher_at_start()
    {
        var other = (CountingApp)await app.AnotherInstance();
        try
        {
            other.Hasher.Received(1).Verify("", Arg.Any<string>());
            other.Hasher.ReceivedWithAnyArgs(1).Hash(default!);
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task Nothing_is_hashed_for_a_member_who_does_not_exist_or_an_address_that_is_taken()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var taken = await (await app.Org("globex")).Member("viewer");
        app.Hasher.ClearReceivedCalls();

        (await admin.Patch($"/orgs/me/users/{Guid.CreateVersion7()}", new { password = Persona.Password })).IsProblem(404, "not-found");
        (await admin.Patch($"/orgs/me/users/{taken.Id}", new { password = Persona.Password })).IsProblem(404, "not-found");
        (
            await admin.Post(
                "/orgs/me/users",
                new
                {
                    email = taken.Email,
                    role = "viewer",
                    password = Persona.Password,
                })
        ).IsProblem(409, "email-taken");

        app.Hasher.DidNotReceiveWithAnyArgs().Hash(default!);
    }

    [Fact]
    public async Task A_login_whose_hash_cannot_be_renewed_succeeds()
    {
        var member = await (await app.Org("acme")).Member("viewer");
        app.FailsToRehash = true;
        try
        {
            var caller = await app.LogIn(member.Email);
            (await caller.Get("/users/me")).Is(200);
        }
        finally
        {
            app.FailsToRehash = false;
        }
    }

    [Fact]
    public async Task A_request_that_finds_the_queue_full_is_refused_with_Retry_After()
    {
        using var release = new ManualResetEventSlim();
        var hasher = Substitute.For<IPasswordHasher>();
        hasher.Hash(Arg.Any<string>()).Returns(_ =>
        {
            release.Wait();
            return "hash";
        });
        using var passwords = new PasswordHashingQueue(hasher);

        var served = Enumerable.Range(0, AtOnce + 32).Select(_ => passwords.Hash("p", CancellationToken.None)).ToList();
        var refused = await Assert.ThrowsAsync<Problem>(() => Wait.For(passwords.Hash("p", CancellationToken.None)));
        Assert.Equal(503, refused.Type.Status);
        Assert.NotNull(refused.RetryAfter);
        Assert.All(served, task => Assert.False(task.IsCompleted));

        release.Set();
        Assert.All(await Task.WhenAll(served), hash => Assert.Equal("hash", hash));
        Assert.Equal("hash", await passwords.Hash("p", CancellationToken.None));
    }

    [Fact]
    public async Task No_more_than_all_processors_but_one_hash_at_once()
    {
        var (running, most) = (0, 0);
        var gate = new Lock();
        var hasher = Substitute.For<IPasswordHasher>();
        hasher.Hash(Arg.Any<string>()).Returns(_ =>
        {
            lock (gate)
                most = Math.Max(most, ++running);
            Thread.Sleep(5);
            lock (gate)
                running--;
            return "hash";
        });
        using var passwords = new PasswordHashingQueue(hasher);

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => passwords.Hash("p", CancellationToken.None)));

        Assert.InRange(most, 1, AtOnce);
    }

    [Fact]
    public async Task Hashing_runs_on_its_own_threads_and_its_exception_reaches_the_caller()
    {
        var pooled = true;
        var hasher = Substitute.For<IPasswordHasher>();
        hasher.Hash("p").Returns(_ =>
        {
            pooled = Thread.CurrentThread.IsThreadPoolThread;
            return "hash";
        });
        hasher.Hash("q").Returns(_ => throw new InvalidOperationException("no"));
        using var passwords = new PasswordHashingQueue(hasher);

        Assert.Equal("hash", await passwords.Hash("p", CancellationToken.None));
        Assert.False(pooled);
        Assert.Equal(
            "no",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => passwords.Hash("q", CancellationToken.None))).Message);
    }

    [Fact]
    public async Task A_cancelled_request_leaves_the_queue()
    {
        using var release = new ManualResetEventSlim();
        var hasher = Substitute.For<IPasswordHasher>();
        hasher.Hash(Arg.Any<string>()).Returns(_ =>
        {
            release.Wait();
            return "hash";
        });
        using var passwords = new PasswordHashingQueue(hasher);
        using var impatient = new CancellationTokenSource();
        var running = Enumerable.Range(0, AtOnce).Select(_ => passwords.Hash("p", CancellationToken.None)).ToList();
        var waiting = Enumerable.Range(0, 32).Select(_ => passwords.Hash("p", impatient.Token)).ToList();

        await impatient.CancelAsync();
        foreach (var task in waiting)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
        var next = passwords.Hash("p", CancellationToken.None);
        release.Set();

        Assert.Equal("hash", await next);
        await Task.WhenAll(running);
    }

    [Theory]
    [InlineData("elevenchars", false)]
    [InlineData("twelve chars", true)]
    [InlineData("äöüäöü", true)]
    [InlineData("äöüäö", false)]
    public async Task A_new_password_is_measured_in_bytes(string password, bool good)
    {
        var member = await (await app.Org("acme")).Member("viewer");

        var answer = await member.Caller.Patch("/users/me", new { newPassword = password, currentPassword = Persona.Password });

        if (good)
            await app.LogIn(member.Email, password);
        else
            answer.IsInvalid("newPassword");
    }

    [Fact]
    public async Task A_new_password_has_at_most_72_bytes()
    {
        var member = await (await app.Org("acme")).Member("viewer");

        (
            await member.Caller.Patch("/users/me", new { newPassword = new string('a', 71) + "ä", currentPassword = Persona.Password })
        ).IsInvalid("newPassword");
        (await member.Caller.Patch("/users/me", new { newPassword = new string('a', 70) + "ä", currentPassword = Persona.Password })).Is(
            200);
        await app.LogIn(member.Email, new string('a', 70) + "ä");
        (await app.Stranger.Post("/auth/login", new { email = member.Email, password = new string('a', 70) + "äx" })).IsProblem(
            401,
            "unauthenticated");
    }
}
