using System.Diagnostics.Metrics;
using ChatLogger.Ingest;
using ChatLogger.Telemetry;

namespace ChatLogger.Features;

/// <summary>Gauges of the rows and bytes that are queued for writing in this process.</summary>
internal sealed class IngestGauges(MessageWriter messages, ChatWriter chats, BatchWriter batches) : IObservableGauges
{
    public void Add(Meter meter)
    {
        (string Name, QueueCapacity Room)[] writers =
        [
            ("messages", messages.Capacity),
            ("chats", chats.Capacity),
            ("batches", batches.Capacity),
        ];
        meter.CreateObservableUpDownCounter(
            "chatlogger.writer.queue.rows",
            () => writers.Select(writer => new Measurement<int>(writer.Room.Rows, Instruments.Writer(writer.Name))),
            "{row}",
            "Rows in memory that are not written yet, those on their way included.");
        meter.CreateObservableUpDownCounter(
            "chatlogger.writer.queue.size",
            () => writers.Select(writer => new Measurement<long>(writer.Room.Bytes, Instruments.Writer(writer.Name))),
            "By",
            "About what these rows take up.");
    }
}
