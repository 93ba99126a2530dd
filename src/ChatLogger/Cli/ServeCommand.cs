using System.CommandLine;
using System.Net.Sockets;
using ChatLogger.Auth;
using ChatLogger.Configuration;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.Http;

namespace ChatLogger.Cli;

/// <summary>The command <c>serve</c>: reads settings, opens the database, migrates, bootstraps, and only then listens.</summary>
internal static partial class ServeCommand
{
    public static async Task<int> Run(ParseResult line, CancellationToken ct)
    {
        await using var app = Application.Build(CommandLine.Rest(line), builder =>
        {
            Invocation.Of(line).Customize?.Invoke(builder);
            builder.Services.AddSingleton<StopNotice>();
        });
        // Services are disposed in the reverse order of their creation: this one is created before the database, so it is disposed after
        // the database has stopped.
        var stopNotice = app.Services.GetRequiredService<StopNotice>();
        var bootstrap = BootstrapSettings.Read(app.Configuration);
        // Reports invalid settings before anything is started.
        app.Services.GetRequiredService<SessionTokens>();

        bootstrap.Check(app.Services);
        if (app.Services.GetRequiredService<ExportSettings>().Directory is { Length: > 0 } directory)
            FileExportStore.Check(Path.GetFullPath(directory));

        var database = app.Services.GetRequiredService<Database>();
        using (var signals = new SignalHandler(ct))
        {
            await database.Open(signals.Token);
            await bootstrap.Apply(app.Services, signals.Token);
            await Listen(app, signals.Token);
        }

        stopNotice.HasStarted = true;
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("ChatLogger");
        Listening(log, Product.Version, string.Join(", ", app.Urls));
        if (app.Environment.IsDevelopment())
        {
            var output = line.InvocationConfiguration.Output;
            if (database.Private is { } server)
                output.WriteLine(StartupBanner.Data(server));
            if (await Demo.MakeIfFirst(app.Services, ct) is { } demo)
                output.WriteLine(StartupBanner.Demo(demo, app.Urls.First()));
            else
            {
                output.WriteLine(StartupBanner.Again(
                    await Demo.IsThere(app.Services, ct), database.Private is null ? null : app.Configuration["DataDirectory"]));
            }
        }
        await app.WaitForShutdownAsync(ct);
        return 0;
    }

    private static async Task Listen(WebApplication app, CancellationToken ct)
    {
        foreach (var path in (app.Configuration[WebHostDefaults.ServerUrlsKey] ?? "").Split(';').Select(UnixSocket.PathOf).OfType<string>())
            UnixSocket.Clear(path);
        try
        {
            await app.StartAsync(ct);
        }
        // The port is in use or not permitted, the URL is malformed, or https lacks a certificate.
        catch (Exception failure) when (failure is IOException or SocketException or FormatException or InvalidOperationException)
        {
            throw new StartupException(
                $"Cannot listen at {app.Configuration[WebHostDefaults.ServerUrlsKey]}: "
                    + $"{failure.Message.Split('\n')[0].TrimEnd(' ', '\r', '.')}. "
                + "Choose another address with --urls http://127.0.0.1:5081 or PORT.");
        }
    }

    [LoggerMessage(LogLevel.Information, "Chat Logger {Version} is listening on {Urls}")]
    private static partial void Listening(ILogger log, string version, string urls);

    /// <summary>Logs the last line, after which the process has nothing left to stop.</summary>
    private sealed class StopNotice(ILoggerFactory logs) : IDisposable
    {
        public bool HasStarted { private get; set; }

        public void Dispose()
        {
            if (HasStarted)
                Stopped(logs.CreateLogger("ChatLogger"));
        }
    }

    [LoggerMessage(LogLevel.Information, "Chat Logger has stopped")]
    private static partial void Stopped(ILogger log);
}
