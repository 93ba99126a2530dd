namespace ChatLogger.Features;

/// <summary>An organization, as its members and superadmins see it.</summary>
internal sealed record Organization(Guid Id, string Slug, string Name, OrganizationSettings Settings, DateTimeOffset CreatedAt)
{
    /// <summary>The columns of an organization.</summary>
    public const string Columns = "id, slug, name, time_zone, created_at";

    public sealed record Row(Guid Id, string Slug, string Name, string TimeZone, DateTimeOffset CreatedAt)
    {
        public Organization ToOrganization() => new(Id, Slug, Name, new(TimeZone), CreatedAt);
    }
}

/// <summary>What an organization may choose: the IANA zone whose midnights cut the days of its analytics.</summary>
internal sealed record OrganizationSettings(string TimeZone);
