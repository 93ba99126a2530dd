namespace ChatLogger.Configuration;

/// <summary>Reads a secret from a setting or from a file that another setting names (<c>X</c> or <c>XFile</c>).</summary>
internal static class SecretText
{
    /// <summary>Returns the secret without the line break at the end of a file; null when neither is given.</summary>
    /// <exception cref="StartupException">Both are given, or the file cannot be read.</exception>
    public static string? Read(string setting, string? value, string? file)
    {
        if (string.IsNullOrEmpty(file))
            return string.IsNullOrEmpty(value) ? null : value;
        if (!string.IsNullOrEmpty(value))
            throw new StartupException($"{setting} and {setting}File are both set; set one of them.");
        try
        {
            return File.ReadAllText(file).TrimEnd('\r', '\n');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"{setting}File cannot be read: {exception.Message}");
        }
    }
}
