using System.Diagnostics.Metrics;
using ChatLogger.Ingest;
using ChatLogger.Telemetry;

namespace ChatLogger.Features;

/// <summary>Gauges of the rows and bytes that are queued for writing in this process.</summary>
internal sealed class IngestGauges(QueueCapacities capacities) : IObservableGauges
{
    public void Add(Meter meter)
    {
        (string Name, QueueCapacity Capacity)[] queues =
        [
            ("messages", capacities.Messages),
            ("chats", capacities.Chats),
            ("batches", capacities.Batches),
        ];
        meter.CreateObservableUpDownCounter(
            "chatlogger.writer.queue.rows",
            () => queues.Select(queue => new Measurement<int>(queue.Capacity.Rows, Instruments.Writer(queue.Name))),
            "{row}",
            "Rows in memory that are not written yet, those on their way included.");
        meter.CreateObservableUpDownCounter(
            "chatlogger.writer.queue.size",
            () => queues.Select(queue => new Measurement<long>(queue.Capacity.Bytes, Instruments.Writer(queue.Name))),
            "By",
            "About what these rows take up.");
    }
}
