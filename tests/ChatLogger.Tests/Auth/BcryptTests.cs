using System.Diagnostics;
using System.Text;
using ChatLogger.Auth;

namespace ChatLogger.Tests.Auth;

public partial class BcryptTests
{
    private const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const string Password = "correct horse battery staple";

    private static readonly Bcrypt Quick = new(cost: 4);

    [Fact]
    public void A_hash_says_its_cost_and_knows_its_password_again()
    {
        var hash = Quick.Hash(Password);

        Assert.Matches(@"^\$2a\$04\$[./A-Za-z0-9]{53}$", hash);
        Assert.True(Quick.Verify(Password, hash));
        Assert.False(Quick.Verify(Password + " ", hash));
        Assert.False(Quick.Verify("", hash));
        Assert.StartsWith("$2a$05$", new Bcrypt(cost: 5).Hash(Password), StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_password_twice_gives_two_hashes() => Assert.NotEqual(Quick.Hash(Password), Quick.Hash(Password));

    [Fact]
    public void The_three_names_of_the_algorithm_are_interchangeable_and_the_buggy_one_is_not()
    {
        var hash = Quick.Hash(Password);

        Assert.True(Quick.Verify(Password, "$2b" + hash[3..]));
        Assert.True(Quick.Verify(Password, "$2y" + hash[3..]));
        Assert.False(Quick.Verify(Password, "$2x" + hash[3..]));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(32)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void A_cost_outside_4_to_31_is_no_cost(int cost) => Assert.Throws<ArgumentOutOfRangeException>(() => new Bcrypt(cost));

    [Fact]
    public void Exactly_72_bytes_are_a_password_to_the_last_one()
    {
        foreach (var password in new[] { new string('x', 72), string.Concat(Enumerable.Repeat("€", 24)), new string('é', 35) + "xy" })
        {
            Assert.Equal(72, Encoding.UTF8.GetByteCount(password));
            var hash = Quick.Hash(password);

            Assert.True(Quick.Verify(password, hash));
            Assert.False(Quick.Verify(password[..^1], hash));
            Assert.False(Quick.Verify(password[..^1] + "z", hash));
        }
    }

    [Theory]
    [InlineData(73)]
    [InlineData(100_000)]
    public void A_password_over_72_bytes_is_refused_and_never_truncated(int length)
    {
        var password = new string('x', length);
        var hashOfTheFirst72 = Quick.Hash(password[..72]);

        Assert.Throws<ArgumentException>(() => Quick.Hash(password));
        Assert.False(Quick.Verify(password, hashOfTheFirst72));
    }

    [Fact]
    public void A_last_letter_that_straddles_the_72nd_byte_is_too_long()
    {
        var password = new string('x', 71) + "é";

        Assert.Throws<ArgumentException>(() => Quick.Hash(password));
        Assert.False(Quick.Verify(password, Quick.Hash(new string('x', 71))));
    }

    [Theory]
    [InlineData("before\0after", "before")]
    [InlineData("before\0", "before")]
    [InlineData("\0", "")]
    [InlineData("ab\0ab", "ab")] // the key repeats the password after its NUL, so these two would share it
    public void A_password_with_NUL_is_refused_and_matches_nothing(string password, string shorter)
    {
        Assert.Throws<ArgumentException>(() => Quick.Hash(password));
        Assert.False(Quick.Verify(password, Quick.Hash(shorter)));
    }

    // No theory: attributes keep their strings as UTF-8, and would replace what this is about.
    [Fact]
    public void A_lone_surrogate_is_refused_and_matches_no_other_password()
    {
        (string Password, string Other)[] pairs = [("before\ud800", "before"), ("\udc00after", ""), ("\ud800", "\ufffd"), ("\ud800", "?")];
        foreach (var (password, other) in pairs)
        {
            Assert.Throws<ArgumentException>(() => Quick.Hash(password));
            Assert.False(Quick.Verify(password, Quick.Hash(other)));
        }
    }

    [Fact]
    public void An_impossible_password_takes_as_long_as_a_wrong_one()
    {
        var hash = new Bcrypt(cost: 7).Hash(Password);
        var wrong = Fastest("wrong");

        Assert.InRange(Fastest(new string('x', 73)), wrong / 4, TimeSpan.MaxValue);
        Assert.InRange(Fastest("wrong\0"), wrong / 4, TimeSpan.MaxValue);
        Assert.InRange(Fastest("\ud800"), wrong / 4, TimeSpan.MaxValue);

        TimeSpan Fastest(string password) => Enumerable.Range(0, 3).Min(_ =>
        {
            var start = Stopwatch.GetTimestamp();
            Assert.False(Quick.Verify(password, hash));
            return Stopwatch.GetElapsedTime(start);
        });
    }

    [Fact]
    public void A_malformed_hash_matches_no_password_and_throws_no_exception()
    {
        const string good = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        Assert.True(Quick.Verify("U*U", good));

        string[] malformed =
        [
            "", " ", "$", "$2a$", "$2a$05$", "plain text", good[..^1], good + "a", good + "\n", " " + good, good[1..], good[..29],
            "$2" + good[3..], "$2$" + good[3..], "$2x" + good[3..], "$2c" + good[3..], "$2A" + good[3..], "$1a" + good[3..],
            "$3a" + good[3..], "$2a.05" + good[6..], "$2a$05." + good[7..], "a" + good[1..], "$2aa05" + good[6..],
            "$2a$00" + good[6..], "$2a$03" + good[6..], "$2a$32" + good[6..], "$2a$99" + good[6..],
            "$2a$5$" + good[6..], "$2a$-5" + good[6..],
            "$2a$+5" + good[6..], "$2a$ 5" + good[6..], "$2a$0x" + good[6..], "$2a$:5" + good[6..],
            "$2a$0/" + good[6..], "$2a$٠٥" + good[6..],
            good[..7] + "=" + good[8..], good[..7] + "-" + good[8..], good[..7] + "+" + good[8..], good[..20] + " " + good[21..],
            good[..28] + "$" + good[29..], good[..40] + "\0" + good[41..], good[..40] + "é" + good[41..],
            good[..59] + "=", good[..59] + "_", good[..58] + "\ud83d\ude00", good[..59] + "\ud83d",
            "$2a$05$" + new string('$', 53), new string('$', 60), new string('\0', 60), new string('x', 100_000),
        ];

        Assert.All(malformed, hash =>
        {
            Assert.False(Quick.Verify("U*U", hash));
            Assert.False(Quick.Verify("", hash));
            Assert.True(Quick.NeedsRehash(hash));
        });
    }

    // The last character of the salt has four bits that no byte takes, that of the digest two. Every writer leaves them zero; we insist on
    // it, as do all implementations that write the hash anew and compare the text.
    [Theory]
    [InlineData(28, 15)]
    [InlineData(59, 3)]
    public void A_last_character_with_stray_bits_is_malformed(int at, int strayBits)
    {
        var hash = Quick.Hash(Password);
        var value = Alphabet.IndexOf(hash[at], StringComparison.Ordinal);
        Assert.Equal(0, value & strayBits);

        for (var bits = 1; bits <= strayBits; bits++)
        {
            var strayed = hash[..at] + Alphabet[value | bits] + hash[(at + 1)..];
            Assert.False(Quick.Verify(Password, strayed));
            Assert.True(Quick.NeedsRehash(strayed));
        }
    }

    [Fact]
    public void Every_single_character_of_a_hash_matters()
    {
        var hash = Quick.Hash(Password);
        for (var at = 7; at < hash.Length; at++)
        {
            // The highest bit of a character is always one that counts.
            var other = Alphabet[Alphabet.IndexOf(hash[at], StringComparison.Ordinal) ^ 32];
            Assert.False(Quick.Verify(Password, hash[..at] + other + hash[(at + 1)..]));
        }
    }

    [Theory]
    [InlineData("$2a$10$", true)]
    [InlineData("$2a$11$", false)]
    [InlineData("$2b$11$", false)]
    [InlineData("$2y$11$", false)]
    [InlineData("$2a$12$", false)]
    [InlineData("$2a$31$", false)]
    [InlineData("$2x$11$", true)]
    [InlineData("$6$salt", true)]
    public void A_hash_with_a_lower_cost_or_another_version_needs_rehashing(string start, bool expected) =>
        Assert.Equal(expected, new Bcrypt().NeedsRehash(start + "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
}
