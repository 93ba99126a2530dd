using System.Reflection;

namespace ChatLogger.Configuration;

/// <summary>The name, the version, and the commit it was built from, if the build knew it.</summary>
internal static class Product
{
    private static readonly string[] Build =
        typeof(Product).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+', 2);

    public const string Name = "Chat Logger";

    public static string Version => Build[0];

    public static string? Commit => Build.Length == 2 ? Build[1] : null;
}
