using Microsoft.AspNetCore.OpenApi;

namespace ChatLogger.OpenApi;

internal static class ApiDescriptionSetup
{
    /// <summary>Adds the OpenAPI document, which the framework begins and <see cref="DocumentBuilder"/> completes.</summary>
    public static void AddApiDescription(this WebApplicationBuilder builder)
    {
        builder.Services.AddOpenApi(DocumentBuilder.Name, options =>
        {
            options.AddSchemaTransformer((schema, context, _) =>
            {
                SchemaBuilder.Correct(schema, context.JsonTypeInfo.Type);
                return Task.CompletedTask;
            });
            options.AddDocumentTransformer(SchemaBuilder.AddItems);
            options.CreateSchemaReferenceId = type => SchemaBuilder.Name(type.Type) ?? OpenApiOptions.CreateDefaultSchemaReferenceId(type);
        });
        builder.Services.AddSingleton<MemberTable>();
        builder.Services.AddSingleton<SchemaBuilder>();
        builder.Services.AddSingleton<OperationBuilder>();
        builder.Services.AddSingleton<DocumentBuilder>();
        builder.Services.AddSingleton<ApiDocument>();
    }
}
