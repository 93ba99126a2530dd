using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Auth;

public class EmailAddressTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Theory]
    [InlineData("ada@acme.example", "ada@acme.example")]
    [InlineData(" Ada@ACME.Example\r\n", "ada@acme.example")]
    [InlineData("\u3000ada@acme.example\u00a0", "ada@acme.example")]
    [InlineData("ａｄａ＠ａｃｍｅ．ｅｘａｍｐｌｅ", "ada@acme.example")]
    [InlineData("ZOE\u0308@acme.example", "zo\u00eb@acme.example")]
    [InlineData("Zo\u00eb@acme.example", "zo\u00eb@acme.example")]
    [InlineData("K@acme.example", "k@acme.example")]
    [InlineData("oﬃce@acme.example", "office@acme.example")]
    [InlineData("IDA@acme.example", "ida@acme.example")]
    [InlineData("ada+tag@acme", "ada+tag@acme")]
    [InlineData("😀@acme.example", "😀@acme.example")]
    public void Every_spelling_of_an_address_has_one_normal_form(string typed, string normal)
    {
        Assert.Equal(normal, EmailAddress.Normalize(typed));
        Assert.Equal(normal, EmailAddress.Normalize(normal));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ada")]
    [InlineData("@")]
    [InlineData("@acme.example")]
    [InlineData("ada@")]
    [InlineData("ada@@acme.example")]
    [InlineData("ada@acme@example")]
    [InlineData("ada lovelace@acme.example")]
    [InlineData("ada\t@acme.example")]
    [InlineData("ada\0@acme.example")]
    [InlineData("ada\u0085x@acme.example")]
    [InlineData("ada\u2028x@acme.example")]
    [InlineData("ada\ufffe@acme.example")]
    [InlineData("ada@acme.example, bob@acme.example")]
    public void Invalid_addresses_are_refused(string? typed) => Assert.Null(EmailAddress.Normalize(typed));

    // An attribute cannot hold half a pair.
    [Fact]
    public void Half_a_surrogate_pair_is_in_no_address()
    {
        Assert.Null(EmailAddress.Normalize("ada\ud800@acme.example"));
        Assert.Null(EmailAddress.Normalize("ada\udc00\ud800@acme.example"));
    }

    [Fact]
    public void An_address_has_at_most_254_characters_in_its_normal_form()
    {
        Assert.NotNull(EmailAddress.Normalize(new string('a', 249) + "@b.de"));
        Assert.Null(EmailAddress.Normalize(new string('a', 250) + "@b.de"));
        Assert.NotNull(EmailAddress.Normalize(string.Concat(Enumerable.Repeat("😀", 249)) + "@b.de"));
        // One character that is eighteen in its normal form.
        Assert.Null(EmailAddress.Normalize(string.Concat(Enumerable.Repeat("\ufdfa", 14)) + "@b.de"));
        Assert.Null(EmailAddress.Normalize(new string('a', 1_000_000) + "@b.de"));
    }

    [Fact]
    public async Task Login_accepts_any_spelling_of_an_address_and_no_second_account_has_it()
    {
        var acme = await app.Org("acme");
        var name = $"zoë-{Guid.NewGuid():N}";
        await app.Send(
            new CreateMember.Command(acme.Id, $"{name}@acme.example", null, MemberRole.Viewer, Persona.Password, Persona.Operator));

        foreach (
            var spelling in new[]
            {
                $" {name}@ACME.example ",
                $"{name.ToUpperInvariant()}@acme.example",
                $"{name.Normalize(System.Text.NormalizationForm.FormD)}＠acme.example",
            })
        {
            (await app.Stranger.Post("/auth/login", new { email = spelling, password = Persona.Password })).Is(200);
            var taken = await Assert.ThrowsAsync<ChatLogger.Http.ProblemException>(() =>
                app.Send(new CreateMember.Command(acme.Id, spelling, null, MemberRole.Viewer, Persona.Password, Persona.Operator)));
            Assert.Equal("email-taken", taken.Type.Slug);
        }
    }
}
