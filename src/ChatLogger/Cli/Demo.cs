using System.Security.Cryptography;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Cli;

/// <summary>The demo data that a developer's first start creates: an organization, its admin and an API key.</summary>
internal sealed record Demo(string Slug, string Email, string Password, string Key)
{
    private const string Name = "demo";

    /// <summary>Creates the demo organization if the database has no organization at all; returns null in every later start.</summary>
    public static async Task<Demo?> MakeIfFirst(IServiceProvider services, CancellationToken ct)
    {
        var db = services.GetRequiredService<NpgsqlDataSource>();
        if (await db.ReadSingleOrDefaultAsync<bool>("select exists (select from organizations)", new { }, ct))
            return null;

        var way = Actor.Operator("first start");
        var sender = services.GetRequiredService<ISender>();
        var demo = new Demo(Name, "admin@demo.example", RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 20), "");
        try
        {
            var organization = await sender.Send(new CreateOrganization.Command(demo.Slug, "Demo", null, way), ct);
            await sender.Send(
                new CreateMember.Command(organization.Id, demo.Email, "Demo admin", MemberRole.Admin, demo.Password, way),
                ct);
            var key = await sender.Send(
                new CreateApiKey.Command(organization.Id, "demo", [KeyScope.Ingest], null, [], ApiKey.Generate(), way), ct);
            return demo with { Key = key.Key };
        }
        // Another process that started at the same moment creates it.
        catch (ProblemException taken) when (taken.Type == ProblemType.SlugTaken)
        {
            return null;
        }
    }

    /// <summary>Whether a first start created it and nobody has deleted it.</summary>
    public static Task<bool> IsThere(IServiceProvider services, CancellationToken ct) =>
        services.GetRequiredService<NpgsqlDataSource>().ReadSingleOrDefaultAsync<bool>(
            "select exists (select from organizations where slug = @Name and deleted_at is null)", new { Name }, ct);
}
