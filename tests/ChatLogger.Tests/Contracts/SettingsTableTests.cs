using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using ChatLogger.Http;

namespace ChatLogger.Tests.Contracts;

/// <summary>The table in docs/operations.md lists the settings' records.</summary>
public class SettingsTableTests
{
    private static readonly string Table = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md"));

    [Fact]
    public void Every_setting_is_in_the_table_with_its_range_and_default()
    {
        var expected = Records().SelectMany(record => Rows(Activator.CreateInstance(record)!, SectionOf(record)!)).ToList();
        var told = Table.Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Trim('|', ' ').Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells.Length == 4)
            .ToDictionary(cells => cells[0].Trim('`'), cells => (Range: cells[2], Default: cells[3]));

        Assert.True(expected.Count >= 70, "The settings are no longer found where they were looked for.");
        Assert.All(
            expected,
            row => Assert.True(told.ContainsKey(row.Name), $"docs/operations.md lacks: | `{row.Name}` | … | {row.Range} | {row.Default} |")
        );
        Assert.All(
            expected,
            row => Assert.Equal((row.Name, row.Range, row.Default), (row.Name, told[row.Name].Range, told[row.Name].Default)));

        // The table lists no setting that no longer exists.
        var sections = Records().Select(record => SectionOf(record) + "__").ToList();
        Assert.Empty(
            told.Keys.Where(name => sections.Any(section => name.StartsWith(section, StringComparison.Ordinal)))
                .Except(expected.Select(row => row.Name)));
    }

    private static List<Type> Records() =>
        typeof(Limits).Assembly.GetTypes().Where(type => SectionOf(type) is not null && type.GetConstructor([]) is not null).ToList();

    private static string? SectionOf(Type type) =>
        type.GetField("Section", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() as string;

    private static IEnumerable<(string Name, string Range, string Default)> Rows(object settings, string path)
    {
        foreach (var property in settings.GetType().GetProperties().Where(property => property.SetMethod is { IsPublic: true }))
        {
            var name = $"{path}__{property.Name}";
            if (
                property.PropertyType.IsClass
                && !property.PropertyType.IsArray
                && property.PropertyType.Assembly == settings.GetType().Assembly)
            {
                foreach (var row in Rows(property.GetValue(settings) ?? Activator.CreateInstance(property.PropertyType)!, name))
                    yield return row;
            }
            else
            {
                var range = property.GetCustomAttribute<RangeAttribute>();
                yield return (
                    name,
                    range is null ? "" : $"{Text(range.Minimum)} to {Text(range.Maximum)}",
                    Text(property.GetValue(settings)));
            }
        }
    }

    private static string Text(object? value) => value switch
    {
        null or Array { Length: 0 } => "none",
        bool truth => truth ? "true" : "false",
        int number => number.ToString("N0", CultureInfo.InvariantCulture),
        double number => number.ToString(CultureInfo.InvariantCulture),
        TimeSpan { Milliseconds: not 0 } time => time.ToString("c", CultureInfo.InvariantCulture)[..^4],
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
