namespace ChatLogger.Configuration;

/// <summary>A secret that is given either as a setting or as a file beside it (<c>X</c> or <c>XFile</c>).</summary>
internal static class SecretText
{
    /// <summary>The secret, without the line break a file may end with; null when neither is given.</summary>
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
