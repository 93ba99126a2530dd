using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace ChatLogger.Tests.Features.Search;

/// <summary>Searches compared with a naive reading of all texts, whatever is written, changed, deleted or indexed in between.</summary>
public class SearchOracleTests(SearchApp app) : IClassFixture<SearchApp>
{
    private static readonly string[] Words =
        ["foo", "food", "FOOT", "résumé", "resume", "Resu\u0301me\u0301s", "bar", "barn", "Ünde", "under"];

    private static readonly string[] Terms =
        ["foo", "foo*", "fo*", "resume", "Résumé", "res*", "\"résumé\"", "\"resume\"", "bar", "ba*", "unde", "und*", "z*", "\"foo\""];

    [Fact]
    public Task Whatever_happens_searches_find_what_a_naive_reading_finds() =>
        // Each case is an organization of its own with up to thirty steps and as many searches.
        Task.Run(() => Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(TestLength.Cases(inShort: 4, inLong: 12)),
            Prop.ForAll(Arb.From(Steps), steps => { Run(steps).GetAwaiter().GetResult(); })));

    private static Gen<Step[]> Steps =>
        (from what in Gen.Choose(0, 10)
         from which in Gen.Choose(0, 1_000)
         from text in Gen.Elements(Words).ListOf()
         from term in Gen.Elements(Terms).ListOf(3)
         from kind in Gen.Choose(0, 3)
         select new Step(what, which, string.Join(' ', text.Take(4)), [.. term], kind)).ListOf(30).Select(steps => steps.ToArray());

    private async Task Run(Step[] steps)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chats = new List<(string Id, string Own, List<(string Id, string Text)> Messages)>();
        foreach (var step in steps)
        {
            var at = chats.Count == 0 ? 0 : step.Which % chats.Count;
            if (step.What <= 2 || chats.Count == 0)
                chats.Add((await acme.Chat(new { title = step.Text, externalUserId = "u" }), $"{step.Text} u", []));
            else if (step.What <= 5 && step.Text.Length > 0)
            {
                chats[at].Messages.Add((await acme.Say(chats[at].Id, step.Text), step.Text));
            }
            else if (step.What <= 7)
            {
                (await admin.Patch($"/orgs/me/chats/{chats[at].Id}", new { title = step.Text })).Is(200);
                chats[at] = chats[at] with { Own = $"{step.Text} u" };
            }
            else if (step.What == 8)
            {
                (await admin.Delete($"/orgs/me/chats/{chats[at].Id}")).Is(204);
                chats.RemoveAt(at);
            }
            else if (step.What == 9 && chats[at].Messages is [var (message, _), ..])
            {
                (await admin.Delete($"/orgs/me/chats/{chats[at].Id}/messages/{message}")).Is(204);
                chats[at].Messages.RemoveAt(0);
            }
            else
            {
                await app.IndexSettled();
            }
            var (a, b, c) = (step.Terms[0], step.Terms[1], step.Terms[2]);
            var (q, matches) = step.Kind switch
            {
                0 => (a, (Func<string, bool>)(text => Has(text, a))),
                1 => ($"{a} {b}", text => Has(text, a) && Has(text, b)),
                2 => ($"{a} -{b}", text => Has(text, a) && !Has(text, b)),
                _ => ($"{a} OR {b} {c}", text => (Has(text, a) || Has(text, b)) && Has(text, c)),
            };
            var expected = chats
                .Where(chat => chat.Messages.Select(message => message.Text).Append(chat.Own).Any(matches))
                .Select(chat => chat.Id)
                .OrderDescending(StringComparer.Ordinal);
            Assert.True(expected.SequenceEqual(await admin.Search(q, limit: 3)), $"{q} after {string.Join<Step>(", ", steps)}");
        }
    }

    private static bool Has(string text, string term) => text.Split(' ').Any(word => term switch
    {
        ['"', .. var quoted, '"'] => Lower(word) == Lower(quoted),
        [.. var beginning, '*'] => Fold(word).StartsWith(Fold(beginning), StringComparison.Ordinal),
        _ => Fold(word) == Fold(term),
    });

    private static string Lower(string word) => word.Normalize(NormalizationForm.FormD).ToLowerInvariant();

    private static string Fold(string word) =>
        string.Concat(Lower(word).Where(unit => CharUnicodeInfo.GetUnicodeCategory(unit) != UnicodeCategory.NonSpacingMark));

    private sealed record Step(int What, int Which, string Text, string[] Terms, int Kind);
}
