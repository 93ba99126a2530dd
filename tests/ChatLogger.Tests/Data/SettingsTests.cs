using System.ComponentModel.DataAnnotations;
using System.Globalization;
using ChatLogger.Configuration;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Data;

public class SettingsTests
{
    [Fact]
    public void Omitted_settings_keep_their_defaults_and_names_ignore_case()
    {
        Assert.Equal(new Oven(), Bind());

        var oven = Bind(
            ("oven:DEGREES", "200"),
            ("Oven:Fan", "True"),
            ("Oven:Time", "00:45:00"),
            ("Oven:Recipe", "Brød"),
            ("Oven:Door:Colour", "red"),
            ("Oven:Trays:0", "upper"),
            ("Oven:Trays:1", "lower"));

        Assert.Equal(
            (200, true, TimeSpan.FromMinutes(45), "Brød", "red"),
            (oven.Degrees, oven.Fan, oven.Time, oven.Recipe, oven.Door?.Colour));
        Assert.Equal(["upper", "lower"], oven.Trays!);
    }

    [Theory]
    [InlineData("Oven:Degrese", "200", "Oven__Degrese is not a setting. Those of Oven__… are: Degrees, Fan, Time, Recipe, Door, Trays.")]
    [InlineData("Oven:Door:Color", "red", "Oven__Door__Color is not a setting. Those of Oven__Door__… are: Colour.")]
    [InlineData("Oven:Serial", "1", "Oven__Serial is not a setting. Those of Oven__… are: Degrees, Fan, Time, Recipe, Door, Trays.")]
    [InlineData("Oven:Door", "open", "Oven__Door is not a setting. Those of Oven__Door__… are: Colour.")]
    [InlineData("Oven:Degrees", "hot", "Oven__Degrees must be a number, from 50 to 300.")]
    [InlineData("Oven:Degrees", "", "Oven__Degrees must be a number, from 50 to 300.")]
    [InlineData("Oven:Degrees", "1.5", "Oven__Degrees must be a number, from 50 to 300.")]
    [InlineData("Oven:Degrees", "99999999999", "Oven__Degrees must be a number, from 50 to 300.")]
    [InlineData("Oven:Degrees", "301", "Oven__Degrees must be from 50 to 300.")]
    [InlineData("Oven:Fan", "yes", "Oven__Fan must be true or false.")]
    [InlineData("Oven:Time", "soon", "Oven__Time must be a duration such as 00:00:30, from 00:00:01.500 to 10:00:00.")]
    [InlineData("Oven:Time", "11:00:00", "Oven__Time must be from 00:00:01.500 to 10:00:00.")]
    [InlineData(
        "Oven:Time",
        "30",
        "Oven__Time must be a duration such as 00:00:30, from 00:00:01.500 to 10:00:00. A bare 30 would be 30 days: write 00:00:30 for "
            + "seconds, or 30.00:00:00 for days."
    )]
    [InlineData(
        "Oven:Time",
        "90",
        "Oven__Time must be a duration such as 00:00:30, from 00:00:01.500 to 10:00:00. A bare 90 would be 90 days: write 00:01:30 for "
            + "seconds, or 90.00:00:00 for days."
    )]
    public void A_wrong_name_or_value_is_refused_by_its_name(string key, string value, string sentence)
    {
        Assert.Equal(sentence, Assert.Throws<StartupException>(() => Bind((key, value))).Message);
    }

    [Theory]
    [InlineData("tr-TR")]
    [InlineData("de-DE")]
    [InlineData("fa-IR")]
    public void The_culture_of_the_machine_has_no_influence(string culture)
    {
        var usual = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo(culture);
            var oven = Bind(("Oven:TIME", "00:00:01.750"), ("Oven:DEGREES", "100"));
            Assert.Equal((TimeSpan.FromMilliseconds(1_750), 100), (oven.Time, oven.Degrees));
            Assert.Equal(
                "Oven__Time must be from 00:00:01.500 to 10:00:00.",
                Assert.Throws<StartupException>(() => Bind(("Oven:Time", "00:00:01.250"))).Message);
        }
        finally
        {
            CultureInfo.CurrentCulture = usual;
        }
    }

    private static Oven Bind(params (string Key, string Value)[] given) =>
        Settings.Bind<Oven>(
            new ConfigurationBuilder()
                .AddInMemoryCollection(given.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)))
                .Build(),
            "Oven");

    internal sealed record Oven
    {
        [Range(50, 300)]
        public int Degrees { get; init; } = 180;

        public bool Fan { get; init; }

        [Range(typeof(TimeSpan), "00:00:01.500", "10:00:00")]
        public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(30);

        public string? Recipe { get; init; }

        public Front? Door { get; init; }

        public string[]? Trays { get; init; }

        /// <summary>Not for the configuration.</summary>
        public int Serial { get; private init; }
    }

    internal sealed record Front
    {
        public string? Colour { get; init; }
    }
}
