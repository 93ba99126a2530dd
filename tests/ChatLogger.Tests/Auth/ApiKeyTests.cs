using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using ChatLogger.Auth;

namespace ChatLogger.Tests.Auth;

public class ApiKeyTests
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    // A key of the first published format: issued keys must stay valid.
    private const string Published = "clk_0123456789ABCDEF_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";

    [Fact]
    public void A_key_has_the_published_form_and_is_recognised()
    {
        for (var i = 0; i < 100; i++)
        {
            var key = ApiKey.Generate();

            Assert.Matches($"^{ApiKey.Pattern}$", key.Text);
            Assert.Equal(70, key.Text.Length);
            Assert.Equal(key, ApiKey.Parse(key.Text));
            Assert.Equal(key.Text[4..20], key.PublicId);
            Assert.Equal(key.Text[^4..], key.LastFour);
            Assert.Equal(SHA256.HashData(Encoding.UTF8.GetBytes(key.Text)), key.Sha256);
        }
    }

    [Fact]
    public void The_checksum_is_the_first_32_bits_of_the_SHA256_in_base62()
    {
        var number = Convert.ToUInt32(Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(Published)))[..8], 16);
        var checksum = "";
        for (var rest = number; checksum.Length < 6; rest /= 62)
            checksum = Alphabet[(int)(rest % 62)] + checksum;

        Assert.Equal("0123456789ABCDEF", ApiKey.Parse(Published + checksum)!.PublicId);
        Assert.Equal("clk_0123456789ABCDEF_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ2b6FTS", Published + checksum);
    }

    [Fact]
    public void A_key_with_one_changed_character_is_invalid()
    {
        var key = ApiKey.Generate().Text;
        for (var at = 0; at < key.Length; at++)
        {
            foreach (var other in Alphabet.Append('_').Append('-').Append(' ').Append('\0').Append('é').Where(other => other != key[at]))
                Assert.Null(ApiKey.Parse(key[..at] + other + key[(at + 1)..]));
            Assert.Null(ApiKey.Parse(key.Remove(at, 1)));
            Assert.Null(ApiKey.Parse(key.Insert(at, "a")));
        }
    }

    [Fact]
    public void Malformed_text_is_not_a_key()
    {
        var key = ApiKey.Generate().Text;
        foreach (
            var junk in new[]
            {
                null,
                "",
                " ",
                "clk_",
                key + "\n",
                key + " ",
                " " + key,
                key + key,
                key + "," + key,
                key.ToUpperInvariant(),
                "CLK" + key[3..],
                new string('a', 70),
                new string('a', 100_000),
                key.Replace('_', '-'),
                "ｃｌｋ" + key[3..],
            })
            Assert.Null(ApiKey.Parse(junk));
    }

    [Fact]
    public void The_pattern_finds_a_key_in_a_text_and_nothing_else()
    {
        var key = ApiKey.Generate().Text;

        Assert.Equal(
            key,
            Assert.Single(Regex.Matches($"x-organization-api-key: {key}\nclk_short_abc clk_{new string('-', 66)}", ApiKey.Pattern)).Value);
    }

    [Fact]
    public void A_key_does_not_print_its_secret()
    {
        var key = ApiKey.Generate();

        Assert.Equal($"clk_{key.PublicId}_…{key.LastFour}", key.ToString());
        Assert.Equal($"clk_{key.PublicId}_…{key.LastFour}", $"{key}");
    }

    [Fact]
    public void No_two_keys_are_alike()
    {
        var keys = Enumerable.Range(0, 1_000).Select(_ => ApiKey.Generate()).ToList();

        Assert.Equal(1_000, keys.Select(key => key.PublicId).Distinct().Count());
        Assert.Equal(1_000, keys.Select(key => key.Text[21..64]).Distinct().Count());
    }
}
