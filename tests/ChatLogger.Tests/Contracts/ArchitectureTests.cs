using System.Reflection;
using NetArchTest.Rules;

namespace ChatLogger.Tests.Contracts;

/// <summary>A layer depends only on layers below it: see docs/architecture.md.</summary>
public class ArchitectureTests
{
    private static readonly Assembly Service = typeof(Program).Assembly;

    // From the top down; layers in one line depend on each other only where the next test allows it.
    private static readonly string[][] Layers =
    [
        ["Cli"],
        ["OpenApi"],
        ["Features"],
        ["ExportJobs", "SearchIndex", "Rollups", "Ingest", "LiveEvents", "Webhooks"],
        ["ChangeFeed"],
        ["Import"],
        ["Transcripts"],
        ["Auth", "Http"],
        ["Redaction"],
        ["Data"],
        ["Telemetry"],
        ["Configuration"],
    ];

    public static TheoryData<string> AllLayers => [.. Layers.SelectMany(layer => layer)];

    [Theory]
    [MemberData(nameof(AllLayers))]
    public void A_layer_does_not_depend_on_the_layers_above_it(string layer)
    {
        var above = Layers
            .TakeWhile(names => !names.Contains(layer))
            .SelectMany(names => names)
            .Select(name => $"ChatLogger.{name}")
            .ToArray();
        var types = Types.InAssembly(Service).That().ResideInNamespace($"ChatLogger.{layer}");
        Assert.NotEmpty(types.GetTypes());
        if (above.Length == 0)
            return;

        var result = types.ShouldNot().HaveDependencyOnAny(above).GetResult();

        Assert.True(result.IsSuccessful, $"{layer} knows what lies above it: {string.Join(", ", result.FailingTypeNames ?? [])}");
    }

    [Theory]
    [InlineData("SearchIndex", "ExportJobs", "Rollups", "Ingest", "LiveEvents", "Webhooks")]
    [InlineData("Rollups", "ExportJobs", "SearchIndex", "Ingest", "LiveEvents", "Webhooks")]
    [InlineData("Ingest", "ExportJobs", "SearchIndex", "Rollups", "LiveEvents", "Webhooks")]
    [InlineData("LiveEvents", "ExportJobs", "SearchIndex", "Rollups", "Ingest", "Webhooks")]
    [InlineData("ExportJobs", "Rollups", "LiveEvents", "Webhooks")]
    [InlineData("Webhooks", "ExportJobs", "SearchIndex", "Rollups", "Ingest", "LiveEvents")]
    public void Engines_do_not_know_each_other_but_where_an_export_searches_and_keeps_its_keys(string engine, params string[] others)
    {
        var result = Types.InAssembly(Service).That().ResideInNamespace($"ChatLogger.{engine}")
            .ShouldNot().HaveDependencyOnAny([.. others.Select(name => $"ChatLogger.{name}")]).GetResult();

        Assert.True(result.IsSuccessful, $"{engine} knows another engine: {string.Join(", ", result.FailingTypeNames ?? [])}");
    }

    [Fact]
    public void Only_the_command_line_knows_the_import_which_knows_the_service_by_its_API_alone()
    {
        var unknown = Layers.SelectMany(layer => layer).Except(["Cli", "Import", "Transcripts", "Http", "Data", "Telemetry"])
            .Select(name => $"ChatLogger.{name}").ToArray();

        var knowing = Types.InAssembly(Service).That().ResideInNamespace("ChatLogger").And().DoNotResideInNamespace("ChatLogger.Cli")
            .And().DoNotResideInNamespace("ChatLogger.Import").ShouldNot().HaveDependencyOnAny("ChatLogger.Import").GetResult();
        var known = Types.InAssembly(Service).That().ResideInNamespace("ChatLogger.Import")
            .ShouldNot().HaveDependencyOnAny(unknown).GetResult();

        Assert.True(knowing.IsSuccessful, string.Join(", ", knowing.FailingTypeNames ?? []));
        Assert.True(known.IsSuccessful, string.Join(", ", known.FailingTypeNames ?? []));
    }

    [Fact]
    public void Slices_do_not_name_each_other()
    {
        var slices = Service
            .GetTypes()
            .Where(type =>
                type is { IsAbstract: true, IsSealed: true, Namespace: "ChatLogger.Features" }
                && type.GetMethod("Map", BindingFlags.Public | BindingFlags.Static) is not null)
            .Select(type => type.FullName!)
            .ToList();
        Assert.True(slices.Count > 25, $"Only {slices.Count} slices were found.");

        var naming = slices.Where(slice =>
        {
            string[] others = [.. slices.Where(other => other != slice)];
            var types = Types
                .InAssembly(Service)
                .That()
                .ResideInNamespace("ChatLogger.Features")
                .And()
                .HaveNameMatching($"^{slice.Split('.')[^1]}$");
            return !types.ShouldNot().HaveDependencyOnAny(others).GetResult().IsSuccessful;
        });

        Assert.Empty(naming);
    }
}
