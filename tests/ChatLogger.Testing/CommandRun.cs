using System.Runtime.Versioning;
using ChatLogger.Auth;
using ChatLogger.Cli;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace ChatLogger.Testing;

/// <summary>
/// A command that has ended, and ran in this process with streams and environment variables of its own: that costs a tenth of a process.
/// The few tests of <see cref="ServiceProcess"/> show that the executable gives it those of the process.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed record CommandRun(int ExitCode, string Output, string Errors)
{
    public static async Task<CommandRun> Of(
        IReadOnlyDictionary<string, string> environment, IEnumerable<string> arguments, string? input)
    {
        Assert.DoesNotContain("ASPNETCORE_ENVIRONMENT", environment.Keys);
        var (output, errors) = (new StringWriter(), new StringWriter());
        var invocation = new Invocation
        {
            Input = new StringReader(input ?? ""),
            Output = TextWriter.Synchronized(output),
            Error = TextWriter.Synchronized(errors),
            Customize = builder => Isolate(builder, environment, TextWriter.Synchronized(output), TextWriter.Synchronized(errors)),
        };
        var exitCode = await Wait.For(CommandLine.Run([.. arguments], invocation));
        return new CommandRun(exitCode, output.ToString().TrimEnd('\n'), errors.ToString().TrimEnd('\n'));
    }

    private static void Isolate(
        WebApplicationBuilder builder, IReadOnlyDictionary<string, string> environment, TextWriter output, TextWriter errors)
    {
        builder.Environment.EnvironmentName = Environments.Production;
        IList<IConfigurationSource> sources = builder.Configuration.Sources;
        for (var i = 0; i < sources.Count; i++)
        {
            if (sources[i] is EnvironmentVariablesConfigurationSource variables)
                sources[i] = Variables(environment, variables.Prefix ?? "");
        }
        // The lowest cost of bcrypt: these tests do not measure how long it takes.
        builder.Services.AddSingleton<IPasswordHasher>(new Bcrypt(4));
        builder.Services.Replace(ServiceDescriptor.Singleton<ILoggerFactory>(services =>
        {
            var console = services.GetRequiredService<IOptions<ConsoleLoggerOptions>>().Value;
            var formatter = services.GetServices<ConsoleFormatter>().Single(each => each.Name == console.FormatterName);
            return new LoggerFactory(
                [new Log(formatter, level => level >= console.LogToStandardErrorThreshold ? errors : output)],
                services.GetRequiredService<IOptionsMonitor<LoggerFilterOptions>>());
        }));
    }

    private static MemoryConfigurationSource Variables(IReadOnlyDictionary<string, string> environment, string prefix) => new()
    {
        InitialData = environment
            .Where(variable => variable.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            .Select(variable => KeyValuePair.Create(
                variable.Key[prefix.Length..].Replace("__", ":", StringComparison.Ordinal), (string?)variable.Value)),
    };

    /// <summary>Writes what the console's logger would.</summary>
    private sealed class Log(ConsoleFormatter formatter, Func<LogLevel, TextWriter> to) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new Logger(categoryName, formatter, to);

        public void Dispose()
        {
        }
    }

    private sealed class Logger(string category, ConsoleFormatter formatter, Func<LogLevel, TextWriter> to) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter1)
        {
            var text = new StringWriter();
            formatter.Write(new LogEntry<TState>(logLevel, category, eventId, state, exception, formatter1), null, text);
            to(logLevel).Write(text.ToString());
        }
    }
}
