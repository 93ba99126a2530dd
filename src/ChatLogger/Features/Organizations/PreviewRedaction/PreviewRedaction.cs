using System.Text;
using ChatLogger.Auth;
using ChatLogger.Http;
using FluentValidation;
using MediatR;

namespace ChatLogger.Features;

/// <summary>POST /orgs/me/redaction/preview: an admin sees what the organization's redaction makes of a text. Nothing is stored.</summary>
internal static class PreviewRedaction
{
    public static void Map(IEndpointRouteBuilder admins) =>
        admins.MapPost("/redaction/preview", async (Body<Request> body, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, body.Value.Text), ct)))
            .WithSummary("Try the redaction.")
            .WithDescription("The answer is the text as it would be stored, and what was found in it. Nothing is stored or logged.");

    public sealed record Request(string? Text = null);

    public sealed record Query(Guid OrgId, string? Text) : IRequest<Response>;

    public sealed record Response(string Text, IReadOnlyList<Finding> Found);

    /// <summary>How often a kind, or a pattern by its name, was found.</summary>
    public sealed record Finding(string Kind, int Count);

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator(Limits limits)
        {
            RuleFor(query => query.Text).NotNull().WithMessage("Is required.");
            RuleFor(query => query.Text)
                .Must(text => text is null || Encoding.UTF8.GetByteCount(text) <= limits.ContentBytes)
                .WithMessage($"May have at most {limits.ContentBytes} bytes in UTF-8.");
        }
    }

    public sealed class Handler(OrganizationPolicies policies) : IRequestHandler<Query, Response>
    {
        public async Task<Response> Handle(Query query, CancellationToken ct)
        {
            if ((await policies.Of(query.OrgId, ct)).Redactor is not { } redactor)
                return new(query.Text!, []);
            var counts = new Dictionary<string, int>(StringComparer.Ordinal);
            var text = redactor.Redact(query.Text!, counts);
            return new(
                text,
                [.. counts.OrderBy(each => each.Key, StringComparer.Ordinal).Select(each => new Finding(each.Key, each.Value))]);
        }
    }
}
