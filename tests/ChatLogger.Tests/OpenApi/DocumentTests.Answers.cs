using System.Text.Json.Nodes;
using ChatLogger.ExportJobs;
using ChatLogger.Http;
using ChatLogger.Tests.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.OpenApi;

public partial class DocumentTests
{
    [Fact]
    public async Task Every_answer_has_the_headers_that_go_with_it_and_a_body_only_where_there_is_one()
    {
        var document = await Document.Of(app);

        Assert.All(document.Operations, operation => Assert.All(operation.Responses, each =>
        {
            var (status, response) = each;
            Assert.NotEmpty(response["description"].Text());
            var headers = (response["headers"] as JsonObject)?.Select(header => header.Key).ToList() ?? [];
            Assert.All(
                response["headers"] as JsonObject ?? [],
                header => Assert.True(document.Resolve(header.Value!)["description"].IsSaid(), header.Key));
            if (status == 201)
                Assert.Contains("Location", headers);
            if (status == 401)
                Assert.Contains("WWW-Authenticate", headers);
            if (status is 429 or 503)
                Assert.Contains("Retry-After", headers);
            if (operation.Method == "head" || status is 204 or 304)
                Assert.Null(response["content"]);
            else if (status >= 400)
                Assert.Equal("application/problem+json", Assert.Single(response["content"]!.AsObject()).Key);
        }));
        var login = document.Operations.Single(operation => operation.Id == "login");
        Assert.Contains("Set-Cookie", login.Responses.Single(each => each.Status == 200).Response["headers"].Names());
        Assert.All(document.Operations, operation => Assert.Equal(
            operation.Parameters.Any(parameter => parameter["name"].Text() == IdempotencyKey.Header),
            operation.Responses.Any(each => each.Response["headers"].Names().Contains(IdempotencyKey.ReplayedHeader))));
    }

    [Fact]
    public async Task A_file_is_described_in_each_type_it_can_have_beside_the_export_that_is_not_done()
    {
        var document = await Document.Of(app);
        var types = app.Services.GetServices<IExportFormat>()
            .Select(format => format.ContentType.Split(';')[0])
            .Distinct()
            .Order(StringComparer.Ordinal)
            .ToList();
        Assert.Equal(["application/json", "application/jsonl", "text/csv"], types);

        foreach (var operation in document.Operations.Where(operation => operation.Id is "requestExport" or "downloadExport"))
        {
            foreach (var (_, response) in operation.Responses.Where(each => each.Status is 200 or 206))
            {
                Assert.Equal(types, response["content"].Names().Order(StringComparer.Ordinal));
                Assert.All(response["content"]!.AsObject(), content => Assert.Equal("binary", content.Value!["schema"]!["format"].Text()));
                Assert.NotNull(response["headers"]!["Content-Disposition"]);
                Assert.NotNull(response["headers"]!["ETag"]);
            }
            Assert.Equal(
                "#/components/schemas/Export",
                operation.Responses.Single(each => each.Status == 202).Response["content"]!["application/json"]!["schema"]!["$ref"].Text());
        }
    }

    [Fact]
    public async Task Each_refusal_is_of_the_types_that_have_its_status_and_the_role_matrix_knows_it()
    {
        var document = await Document.Of(app);

        foreach (var operation in document.Operations.Where(operation => operation.Method != "head"))
        {
            foreach (var (status, response) in operation.Refusals)
            {
                var slugs = response["content"]!["application/problem+json"]!["examples"]!.AsObject();
                Assert.NotEmpty(slugs);
                Assert.All(slugs, slug =>
                {
                    Assert.Equal(status, ProblemType.All.Single(type => type.Slug == slug.Key).Status);
                    Assert.Contains($"`{slug.Key}`", response["description"].Text(), StringComparison.Ordinal);
                });
            }
        }
        foreach (var operation in document.Operations)
        {
            var line = Matrix.Lines.Single(line => Shape(line.Route) == Shape($"{operation}"));
            var documented = operation.Responses.Select(each => each.Status).ToList();
            var cells = Enum.GetValues<Column>()
                .Select(column => Matrix.Cell(line.Row, column))
                .Where(cell => int.TryParse(cell, out _))
                .Select(cell => int.Parse(cell, null))
                .ToHashSet();
            // A path with "me" names no organization, so it cannot name another one.
            if (!line.NamesOrganization)
                cells.Remove(404);
            Assert.Contains(line.Success, documented);
            Assert.All(cells, status => Assert.Contains(status, documented));
            // Where nobody is refused for their role, a browser may be for its origin when it would change something; a key for its scope.
            var changes = operation.Method is not ("get" or "head");
            var isOfKey = line.Row is Row.Plugin or Row.PluginReading or Row.Integration;
            Assert.Equal(cells.Contains(403) || isOfKey || changes, documented.Contains(403));
            Assert.Equal(operation.Path.Contains('{', StringComparison.Ordinal), documented.Contains(404));
            Assert.Equal(operation.Body is not null, documented.Contains(413));
            Assert.DoesNotContain(500, documented);
        }
    }
}
