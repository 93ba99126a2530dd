using System.Text.Json;
using ChatLogger.Bench;
using ChatLogger.Bench.Comparison;

namespace ChatLogger.Tests.Bench;

/// <summary>What measures others must itself be right.</summary>
public class ComparisonTests
{
    [Fact]
    public void Of_what_wrk_did_only_the_acknowledged_counts()
    {
        var sample = Wrk.Read(
            """
            Running 2s test @ http://127.0.0.1:5080
              1 threads and 1 connections
            Requests/sec:   2100.00

            {"requests":4200,"microseconds":2000000,"refused":200,"connect":0,"read":1,"write":0,"timeout":2,"p50":1500,"p99":7250}

            """,
            perRequest: 1);

        Assert.Equal(2000, sample.PerSecond);
        Assert.Equal((TimeSpan.FromMilliseconds(1.5), TimeSpan.FromMilliseconds(7.25)), (sample.P50, sample.P99));
        Assert.Equal((203, "refused 200, read 1, timeout 2"), (sample.Failed, sample.Failures));
    }

    [Fact]
    public void A_request_that_holds_many_counts_as_many()
    {
        var sample = Wrk.Read(
            """{"requests":30,"microseconds":3000000,"refused":0,"connect":0,"read":0,"write":0,"timeout":0,"p50":1,"p99":1}""",
            perRequest: 100);

        Assert.Equal((1000, 0, ""), (sample.PerSecond, sample.Failed, sample.Failures));
    }

    [Theory]
    [InlineData("")]
    [InlineData("unable to connect to 127.0.0.1:5080 Connection refused")]
    public void Unusable_output_of_wrk_is_reported(string said) => Assert.Throws<UsageException>(() => Wrk.Read(said, 1));

    [Fact]
    public void The_rate_of_pgbench_is_read_and_not_its_other_numbers()
    {
        const string Said =
            """
            number of transactions actually processed: 53012
            number of failed transactions: 0 (0.000%)
            latency average = 6.036 ms
            initial connection time = 48.120 ms
            tps = 10602.412345 (without initial connection time)
            """;

        Assert.Equal(10602.412345 * 10, Pgbench.Read(Said, perTransaction: 10).PerSecond, precision: 6);
        Assert.Null(Pgbench.Read(Said, 1).P99);
        Assert.Throws<UsageException>(() => Pgbench.Read("pgbench: error: Run was aborted", 1));
    }

    [Theory]
    [InlineData(new[] { 3.0, 1, 2 }, "2.00 (1.00 to 3.00)")]
    [InlineData(new[] { 1.0, 10, 2, 3 }, "2.50 (1.00 to 10.00)")]
    [InlineData(new[] { 7.0 }, "7.00 (7.00 to 7.00)")]
    public void The_middle_is_the_median(double[] values, string expected) => Assert.Equal(expected, Spread.Of(values).ToString("0.00"));

    [Fact]
    public void Ratios_are_taken_round_by_round()
    {
        // In the second round the machine was ten times slower for both; the medians of each side would say 100 : 30.
        var ratio = Spread.OfRatios([100, 10, 120], [50, 5, 30]);

        Assert.Equal(new Spread(2, 2, 4), ratio);
    }

    [Fact]
    public void A_process_may_be_named_in_parentheses_and_blanks()
    {
        var times = ProcessTimes.Read("42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 110 22 330 44 20 0 1 0 9 0 0");

        Assert.Equal(new ProcessTimes(Parent: 7, Own: 132, OfChildren: 374), times);
    }

    [Fact]
    public void Messages_go_to_the_chats_in_turn_as_json_of_a_like_size()
    {
        var posts = Load.Messages.Posts("acme", ["c-1", "c-2", "c-3"]).ToList();

        Assert.Equal(
            ["c-1", "c-2", "c-3"],
            posts.Select(post => post.Path.Replace("api/v1/orgs/acme/chats/", "", StringComparison.Ordinal).Split('/')[0]));
        Assert.All(
            posts,
            post =>
            {
                Assert.EndsWith("/messages", post.Path, StringComparison.Ordinal);
                Assert.Equal(200, JsonElement.Parse(post.Body).GetProperty("content").GetString()!.Length);
                Assert.DoesNotContain('\n', post.Body);
                Assert.DoesNotContain('\t', post.Body);
            });
        Assert.Equal(3, posts.Select(post => post.Body).Distinct().Count());
    }

    [Fact]
    public void Batches_are_a_hundred_messages_to_ten_chats_each()
    {
        var chats = Enumerable.Range(0, 25).Select(n => $"c-{n}").ToList();
        var posts = Load.Batches.Posts("acme", chats).ToList();

        Assert.Equal(2, posts.Count);
        Assert.All(
            posts,
            post =>
            {
                var items = JsonElement.Parse(post.Body).GetProperty("items").EnumerateArray().ToList();
                Assert.Equal("api/v1/orgs/acme/batch", post.Path);
                Assert.Equal(
                    (Load.Batches.PerRequest, 10),
                    (items.Count, items.Select(item => item.GetProperty("chatId").GetString()).Distinct().Count()));
                Assert.DoesNotContain('\n', post.Body);
            });
    }

    [Fact]
    public void Chats_go_to_the_organization_each_with_a_title_of_its_own()
    {
        var posts = Load.Chats.Posts("acme", ["c-1", "c-2", "c-3"]).ToList();

        Assert.All(posts, post => Assert.Equal("api/v1/orgs/acme/chats", post.Path));
        Assert.Equal(3, posts.Select(post => JsonElement.Parse(post.Body).GetProperty("title").GetString()).Distinct().Count());
    }

    [Theory]
    [InlineData("gin=http://127.0.0.1:8080", "gin", "http://127.0.0.1:8080/")]
    [InlineData("a = https://peer.example/summary?days=30", "a", "https://peer.example/summary?days=30")]
    public void A_peer_is_a_name_and_an_address(string text, string name, string address) =>
        Assert.Equal(new Peer(name, new Uri(address)), Peer.Parse("--peer", text));

    [Theory]
    [InlineData("http://127.0.0.1:8080")]
    [InlineData("=http://127.0.0.1:8080")]
    [InlineData("gin=127.0.0.1:8080")]
    [InlineData("gin=ftp://127.0.0.1")]
    public void Anything_else_is_no_peer(string text) => Assert.Throws<UsageException>(() => Peer.Parse("--peer", text));

    [Fact]
    public async Task A_program_that_is_not_installed_is_named_with_where_to_get_it()
    {
        var refusal = await Assert.ThrowsAsync<UsageException>(() =>
            Tool.Run("no-such-program-here", "apt-get install it", [], [], CancellationToken.None));

        Assert.Equal("no-such-program-here is needed and not on the PATH: apt-get install it.", refusal.Message);
    }

    [Fact]
    public async Task A_program_that_fails_is_quoted()
    {
        var refusal = await Assert.ThrowsAsync<UsageException>(() =>
            Tool.Run("sh", "", ["-c", "echo no such thing >&2; exit 3"], [], CancellationToken.None));

        Assert.Contains("no such thing", refusal.Message, StringComparison.Ordinal);
    }
}
