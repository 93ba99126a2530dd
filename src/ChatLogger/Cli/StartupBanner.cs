using ChatLogger.PrivatePostgres;

namespace ChatLogger.Cli;

/// <summary>What a developer sees in the terminal after the start.</summary>
internal static class StartupBanner
{
    public static string Data(PrivateDatabase server) =>
        $"""

        The data is in {server.ClusterDirectory} (a private PostgreSQL {server.Major}).
        Look inside with:  {(HasPsql ? Psql(server) : AnyClient(server))}
        """;

    private static string Psql(PrivateDatabase server) => $"psql -h {server.SocketDirectory} -U chatlogger chatlogger";

    private static string AnyClient(PrivateDatabase server) =>
        $"any client, at postgres:///chatlogger?host={server.SocketDirectory}&user=chatlogger (psql is not on this machine)";

    // npm's packages do not contain psql.
    private static bool HasPsql => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, OperatingSystem.IsWindows() ? "psql.exe" : "psql")));

    /// <summary>Tells how to log in again after the output of the first start is gone.</summary>
    /// <param name="hasDemo">Whether the organization of the first start is there, which the hints name.</param>
    /// <param name="directory">The setting DataDirectory, which another terminal may lack.</param>
    public static string Again(bool hasDemo, string? directory)
    {
        var where = string.IsNullOrEmpty(directory) ? "" : $" --DataDirectory '{Path.GetFullPath(directory)}'";
        if (!hasDemo)
            return $"\nWhat there is:    {Command} org list{where}";
        return $"""

            A new key:        {Command} apikey create --org demo --label again{where}
            A new password:   echo 'a long enough password' | {Command} user set-password --email admin@demo.example --password-stdin{where}
            What there is:    {Command} org list{where}
            """;
    }

    private static readonly string BinDirectory = $"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}";

    // The command as the service was started: dotnet run in a clone, or the published program.
    private static string Command => AppContext.BaseDirectory.Contains(BinDirectory, StringComparison.Ordinal)
        ? "dotnet run --project src/ChatLogger --"
        : "dotnet ChatLogger.dll";

    public static string Demo(Demo demo, string url)
    {
        const string Json = "-H 'content-type: application/json'";
        const string ChatId = """sed 's/^{"id":"\([^"]*\)".*/\1/'""";
        var key = $"-H 'x-organization-api-key: {demo.Key}'";
        var chats = $"{url}/api/v1/orgs/{demo.Slug}/chats";
        return $$"""

        This is the first start: a demo organization was made. Its credentials are shown only now.

          organization  {{demo.Slug}}
          admin         {{demo.Email}}  password  {{demo.Password}}
          API key       {{demo.Key}}

        Sign in at {{url}}/ and see what is logged.

        Paste into another terminal, one after the other:

          # open a chat
          CHAT=$(curl -s {{chats}} {{key}} {{Json}} -d '{"title":"First conversation"}' | {{ChatId}}); echo "$CHAT"

          # add a message
          curl -s {{chats}}/$CHAT/messages {{key}} {{Json}} -d '{"role":"user","content":"Hello, is anybody there?"}'; echo

          # log in
          curl -s -c chatlogger.cookies {{url}}/auth/login {{Json}} -d '{"email":"{{demo.Email}}","password":"{{demo.Password}}"}'; echo

          # read the messages
          curl -s -b chatlogger.cookies {{url}}/orgs/me/chats/$CHAT/messages; echo

        The API is described at {{url}}/docs
        """;
    }
}
