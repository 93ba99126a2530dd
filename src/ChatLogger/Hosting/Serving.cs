using ChatLogger.Auth;
using ChatLogger.Data;

namespace ChatLogger.Hosting;

/// <summary>The verb <c>serve</c>: settings, database, schema, first rows, and only then the door.</summary>
internal static partial class Serving
{
    public static async Task<int> Run(string[] args, CancellationToken ct)
    {
        await using var app = Application.Build(args);
        var bootstrap = BootstrapSettings.Read(app.Configuration);
        // What is wrong with the settings is said before anything is started for them.
        app.Services.GetRequiredService<SessionTokens>();

        var database = app.Services.GetRequiredService<Database>();
        await database.Open(ct);
        await bootstrap.Apply(app.Services, ct);
        await app.StartAsync(ct);

        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("ChatLogger");
        Listening(log, Features.Version.Current.Version, string.Join(", ", app.Urls));
        if (app.Environment.IsDevelopment())
        {
            if (database.Private is { } server)
                Console.WriteLine(Greeting.Data(server));
            if (await Demo.MakeIfFirst(app.Services, ct) is { } demo)
                Console.WriteLine(Greeting.Demo(demo, app.Urls.First()));
        }
        await app.WaitForShutdownAsync(ct);
        return 0;
    }

    [LoggerMessage(LogLevel.Information, "Chat Logger {Version} is listening on {Urls}")]
    private static partial void Listening(ILogger log, string version, string urls);
}
