using System.Text.RegularExpressions;

namespace ChatLogger.Tests.Contracts;

/// <summary>What runs outside the tests' reach: the pipeline and the containers, read as text.</summary>
public sealed class PipelineTests
{
    [Fact]
    public void Every_action_of_others_is_pinned_by_its_full_commit()
    {
        var used = Directory.GetFiles(Path.Combine(Repository.Root, ".github", "workflows"), "*.yml")
            .SelectMany(File.ReadLines)
            .Select(line => Regex.Match(line, @"^\s*(?:- )?uses:\s*(\S.*)$").Groups[1].Value)
            .Where(action => action.Length > 0 && !action.StartsWith("./", StringComparison.Ordinal))
            .ToList();

        Assert.NotEmpty(used);
        Assert.All(used, action => Assert.Matches(@"^[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", action));
    }

    [Fact]
    public void Every_image_that_ours_is_built_from_is_pinned_by_its_digest()
    {
        var stages = File.ReadLines(Path.Combine(Repository.Root, "Dockerfile"))
            .Where(line => line.StartsWith("FROM ", StringComparison.Ordinal))
            .ToList();

        Assert.Equal(4, stages.Count);
        Assert.All(stages, stage => Assert.Matches(@"^FROM (--platform=\S+ )?\S+:\S+@sha256:[0-9a-f]{64}( AS \w+)?$", stage));
    }

    [Fact]
    public void Compose_publishes_at_loopback_only_and_brings_no_secret()
    {
        var compose = File.ReadAllText(Path.Combine(Repository.Root, "compose.yaml"));

        var ports = Regex.Matches(compose, @"^\s+ports:(.*)$", RegexOptions.Multiline).Select(line => line.Groups[1].Value.Trim()).ToList();
        Assert.NotEmpty(ports);
        Assert.All(ports, port => Assert.Matches(@"^\[""127\.0\.0\.1:\d+:\d+""\]$", port));
        foreach (var secret in new[] { "POSTGRES_PASSWORD", "SESSION_SECRET" })
        {
            var uses = Regex.Matches(compose, $@"\$\{{{secret}(.*?)\}}").Select(use => use.Groups[1].Value).ToList();
            Assert.NotEmpty(uses);
            Assert.All(uses, use => Assert.StartsWith(":?", use, StringComparison.Ordinal));
        }
    }
}
