using System.Text.Json;
using System.Xml.Linq;

namespace ChatLogger.Tests.Clients;

/// <summary>What a release publishes.</summary>
public class PackageTests
{
    [Fact]
    public async Task The_packages_have_the_version_of_the_service()
    {
        var service = XDocument.Load(Path.Combine(Repository.Root, "Directory.Build.props")).Descendants("Version").Single().Value;
        foreach (var file in new[] { "package.json", "package-lock.json" })
        {
            var package = JsonElement.Parse(await File.ReadAllBytesAsync(Path.Combine(Repository.Root, "clients", "js", file)));
            Assert.Equal(service, package.GetProperty("version").GetString());
        }
        // Those for .NET take theirs from the same file.
        foreach (var project in new[] { "ChatLogger.Client", "ChatLogger.Extensions.AI" })
        {
            var file = XDocument.Load(Path.Combine(Repository.Root, "src", project, $"{project}.csproj"));
            Assert.Empty(file.Descendants("Version"));
        }
    }
}
