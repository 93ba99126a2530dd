using System.Net;

namespace ChatLogger.Webhooks;

/// <summary>
/// What the address of a webhook may look like. Which addresses a name stands for is looked at when it is called, and not here: it may be
/// another one then.
/// </summary>
internal static class TargetUrl
{
    public const int MaxLength = 2_048;

    private const int Https = 443;
    private const int FirstUnprivilegedPort = 1_024;

    /// <summary>Returns why it is refused, in a sentence; null: it is not.</summary>
    public static string? WhyNot(string text, bool allowsPrivate)
    {
        if (text.Length > MaxLength)
            return $"May have at most {MaxLength} characters.";
        if (text.Any(character => character <= ' ' || char.IsControl(character)) || !Uri.TryCreate(text, UriKind.Absolute, out var url)
            || !(url.Scheme == Uri.UriSchemeHttps || allowsPrivate && url.Scheme == Uri.UriSchemeHttp) || url.Host.Length == 0)
            return "Must be an absolute https URL.";
        if (url.UserInfo.Length > 0)
            return "May not contain a user name or a password.";
        if (url.Fragment.Length > 0 || text.EndsWith('#'))
            return "May not contain a fragment.";
        if (allowsPrivate)
            return null;
        if (url.Port is not Https and < FirstUnprivilegedPort)
            return $"The port must be {Https}, or {FirstUnprivilegedPort} and above.";
        // The parser knows the notations of an address: decimal, octal and hexadecimal, and with fewer parts.
        var host = url.IdnHost.TrimEnd('.');
        if (IPAddress.TryParse(host, out var address) && !TargetAddress.IsPublic(address)
            || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase))
            return "Must be a public address: private, loopback, link-local and other special ones are not called.";
        return null;
    }
}
