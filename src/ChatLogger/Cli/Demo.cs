using System.Security.Cryptography;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Cli;

/// <summary>What a developer's first start makes, so that there is something to talk to: an organization, its admin and a key.</summary>
internal sealed record Demo(string Slug, string Email, string Password, string Key)
{
    /// <summary>Makes the demo organization in a database that has none at all; null in every later start.</summary>
    public static async Task<Demo?> MakeIfFirst(IServiceProvider services, CancellationToken ct)
    {
        var db = services.GetRequiredService<NpgsqlDataSource>();
        if (await db.QuerySingleOrDefaultAsync<bool>("select exists (select from organizations)", new { }, ct))
            return null;

        var way = Actor.Operator("first start");
        var sender = services.GetRequiredService<ISender>();
        var demo = new Demo("demo", "admin@demo.example", RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 20), "");
        try
        {
            var organization = await sender.Send(new CreateOrganization.Command(demo.Slug, "Demo", null, way), ct);
            await sender.Send(new CreateMember.Command(organization.Id, demo.Email, "Demo admin", MemberRole.Admin, demo.Password, way), ct);
            var key = await sender.Send(
                new CreateApiKey.Command(organization.Id, "demo", [KeyScope.Ingest], null, [], ApiKey.Generate(), way), ct);
            return demo with { Key = key.Key };
        }
        // Another process that was started at the same moment makes it.
        catch (ProblemException taken) when (taken.Type == ProblemType.SlugTaken)
        {
            return null;
        }
    }
}
