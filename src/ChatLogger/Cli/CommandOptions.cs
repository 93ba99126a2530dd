using System.CommandLine;

namespace ChatLogger.Cli;

/// <summary>The options of the commands.</summary>
internal static class CommandOptions
{
    public static readonly Option<string> Email = new("--email") { Required = true, Description = "The member's e-mail address." };
    public static readonly Option<string?> Name = new("--name") { Description = "A name for people to read." };
    public static readonly Option<string> RequiredName = new("--name") { Required = true, Description = "A name for people to read." };
    public static readonly Option<string> Slug =
        new("--slug") { Required = true, Description = "The name in paths: 3 to 63 lower-case letters, digits, hyphens." };
    public static readonly Option<string?> Zone = new("--time-zone") { Description = "IANA name; default UTC." };
    public static readonly Option<string> Org = new("--org") { Required = true, Description = "The organization's slug." };
    public static readonly Option<string?> OneOrg = new("--org") { Description = "The organization's slug; default: all of them." };
    public static readonly Option<string> Role = new("--role") { Required = true, Description = "admin, user or viewer." };
    public static readonly Option<string> Label = new("--label") { Required = true, Description = "What the key is for." };
    public static readonly Option<string[]> Scopes = new("--scope") { Description = "ingest (default), import, read; may be repeated." };
    public static readonly Option<DateTimeOffset?> Expires = new("--expires") { Description = "When the key stops working, RFC 3339." };
    public static readonly Option<string> PublicId =
        new("--public-id") { Required = true, Description = "The part of the key between the underscores." };
    public static readonly Option<string?> Url = new("--url") { Description = "Where the service is; default: where it would listen." };

    // A password on the command line would be visible in the process list.
    public static readonly Option<bool> PasswordStdin =
        new("--password-stdin") { Required = true, Description = "Read the password from standard input." };
}
