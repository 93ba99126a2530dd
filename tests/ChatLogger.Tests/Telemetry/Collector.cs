using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Telemetry;

/// <summary>Receives OTLP (http/protobuf) on a loopback address, and parses the parts that tests read.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<(string Path, byte[] Body)> _received = new();

    private Collector(WebApplication server) => _server = server;

    /// <summary>The value of <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>.</summary>
    public string Address => _server.Urls.First();

    /// <param name="answers">False: it accepts requests and never responds.</param>
    public static async Task<Collector> Listen(bool answers = true)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(new ActivitySource("Collector"));
        var collector = new Collector(builder.Build());
        collector._server.Run(async context =>
        {
            var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            collector._received.Enqueue((context.Request.Path, body.ToArray()));
            if (!answers)
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            context.Response.ContentType = "application/x-protobuf";
        });
        await collector._server.StartAsync();
        return collector;
    }

    public IEnumerable<byte[]> Bodies => _received.Select(each => each.Body);

    /// <summary>Spans, with the name of their scope. ExportTraceServiceRequest: resource_spans 1, scope_spans 2, spans 2.</summary>
    public IEnumerable<(string Scope, Proto Span)> Spans => Scoped("/v1/traces");

    /// <summary>The same of metrics.</summary>
    public IEnumerable<(string Scope, Proto Metric)> Metrics => Scoped("/v1/metrics");

    /// <summary>The same of records of the log.</summary>
    public IEnumerable<(string Scope, Proto Record)> Logs => Scoped("/v1/logs");

    /// <summary>What resources say of themselves.</summary>
    public IEnumerable<IReadOnlyDictionary<string, string>> Resources =>
        Requests("").Select(resource => resource.All(1).First().Attributes(1));

    public async Task<T> Find<T>(IEnumerable<T> among, Func<T, bool> isMeant)
    {
        List<T> found = [];
        await Wait.Until(() => !_received.IsEmpty && (found = among.Where(isMeant).ToList()).Count > 0, "It was exported.");
        return found[0];
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private IEnumerable<Proto> Requests(string path) =>
        _received.Where(each => each.Path.Contains(path, StringComparison.Ordinal)).SelectMany(each => new Proto(each.Body).All(1));

    private IEnumerable<(string Scope, Proto Item)> Scoped(string path) =>
        from resource in Requests(path)
        from scope in resource.All(2)
        from item in scope.All(2)
        select (scope.All(1).First().Text(1), item);

    /// <summary>A message of Protocol Buffers: field numbers and values.</summary>
    internal sealed class Proto
    {
        private readonly List<(int Field, ulong Number, byte[]? Bytes)> _fields = [];

        public Proto(byte[] bytes)
        {
            for (var at = 0; at < bytes.Length;)
            {
                var tag = Varint(bytes, ref at);
                switch (tag & 7)
                {
                    case 0:
                        _fields.Add(((int)(tag >> 3), Varint(bytes, ref at), null));
                        break;
                    case 1:
                        _fields.Add(((int)(tag >> 3), BitConverter.ToUInt64(bytes, at), null));
                        at += 8;
                        break;
                    case 2:
                        var length = (int)Varint(bytes, ref at);
                        _fields.Add(((int)(tag >> 3), 0, bytes[at..(at + length)]));
                        at += length;
                        break;
                    case 5:
                        _fields.Add(((int)(tag >> 3), BitConverter.ToUInt32(bytes, at), null));
                        at += 4;
                        break;
                    default:
                        throw new FormatException($"There is no wire type {tag & 7}.");
                }
            }
        }

        public IEnumerable<Proto> All(int field) =>
            _fields.Where(each => each.Field == field && each.Bytes is not null).Select(each => new Proto(each.Bytes!));

        public ulong Number(int field) => _fields.Find(each => each.Field == field).Number;

        public string Text(int field) => Encoding.UTF8.GetString(Bytes(field));

        public string Hex(int field) => Convert.ToHexStringLower(Bytes(field));

        /// <summary>KeyValue: key 1, value 2; AnyValue: string 1, bool 2, int 3, double 4.</summary>
        public IReadOnlyDictionary<string, string> Attributes(int field) =>
            All(field).ToDictionary(pair => pair.Text(1), pair => pair.All(2).First().Any());

        /// <summary>This, an AnyValue, as text.</summary>
        public string Any() =>
            _fields is [{ Bytes: { } text }, ..] ? Encoding.UTF8.GetString(text)
            : _fields is [var number, ..] ? $"{number.Number}"
            : "";

        private byte[] Bytes(int field) => _fields.Find(each => each.Field == field).Bytes ?? [];

        private static ulong Varint(byte[] bytes, ref int at)
        {
            var value = 0UL;
            for (var shift = 0; ; shift += 7)
            {
                var part = bytes[at++];
                value |= (ulong)(part & 0x7f) << shift;
                if (part < 0x80)
                    return value;
            }
        }
    }
}
