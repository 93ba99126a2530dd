namespace ChatLogger.Tests.Features.Accounts;

public sealed partial class LoginLockoutTests
{
    [Fact]
    public async Task A_hundred_guesses_at_once_on_two_instances_are_all_counted()
    {
        var ann = await (await app.Org("acme")).Member("viewer");
        var other = await app.AnotherInstance();

        var answers = await AtOnce(100, i => Guess(i % 2 == 0 ? app : other, ann.Email, $"wrong horse {i}"));

        Assert.Single(answers.Select(answer => answer.IsProblem(401, "unauthenticated").Comparable).Distinct());
        Assert.Equal(100, await Failures(ann.Email));
        (await Guess(app, ann.Email, Persona.Password)).IsProblem(401, "unauthenticated");
        await other.Stop();
    }

    [Fact]
    public async Task A_hundred_guesses_at_once_from_one_address_are_thirty_answers()
    {
        var other = await app.AnotherInstance();
        var address = NewAddress();

        var answers = await AtOnce(100, i => Guess(i % 2 == 0 ? app : other, $"nobody-{i}@nowhere.example", "wrong", address));

        Assert.Equal(30, answers.Count(answer => answer.Status == 401));
        Assert.Equal(70, answers.Count(answer => answer.Status == 429 && answer.Header("Retry-After") is not null));
        await other.Stop();
    }

    [Fact]
    public async Task A_hundred_right_logins_at_once_do_not_lock_each_other_out()
    {
        var ann = await (await app.Org("acme")).Member("viewer");
        var other = await app.AnotherInstance();
        var address = NewAddress();
        for (var i = 0; i < 9; i++)
            await Guess(app, ann.Email, "wrong horse battery", address);

        var answers = await AtOnce(100, i => Guess(i % 2 == 0 ? app : other, ann.Email, Persona.Password, address));

        Assert.All(answers, answer => answer.Is(200));
        Assert.Equal(101, await Sessions(ann));
        Assert.Null(await Failures(ann.Email));
        await other.Stop();
    }

    [Fact]
    public async Task A_correct_password_that_is_verified_after_the_account_was_locked_is_refused()
    {
        var ann = await (await app.Org("acme")).Member("viewer");
        var other = await app.AnotherInstance();
        app.Hasher.Waiting.Reset();
        app.Hasher.Open.Reset();
        try
        {
            var late = Guess(app, ann.Email, Persona.Password);
            await Wait.Until(() => app.Hasher.Waiting.IsSet);
            for (var i = 0; i < 10; i++)
                (await Guess(other, ann.Email, "wrong horse battery")).Is(401);
            app.Hasher.Open.Set();

            (await late).IsProblem(401, "unauthenticated");
            Assert.Null((await late).Header("Set-Cookie"));
        }
        finally
        {
            app.Hasher.Open.Set();
        }
        Assert.Equal(1, await Sessions(ann));
        Assert.Equal(11, await Failures(ann.Email));
        await other.Stop();
    }

    /// <summary>Sends a request again when the hashing queue is full.</summary>
    private static Task<Answer[]> AtOnce(int count, Func<int, Task<Answer>> ask) =>
        Task.WhenAll(
            Enumerable
                .Range(0, count)
                .Select(async i =>
                {
                    var answer = await ask(i);
                    while (answer.Status == 503)
                    {
                        await Task.Delay(20);
                        answer = await ask(i);
                    }
                    return answer;
                }));
}
