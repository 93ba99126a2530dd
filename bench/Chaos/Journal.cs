using System.Globalization;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// What was sent and what was answered, in one order: a line before each request and one after its response. In memory for the check,
/// and in a file for a person who investigates a violation.
/// </summary>
internal sealed class Journal(TextWriter file) : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly List<Operation> operations = [];
    private long moment;

    public List<Operation> Operations
    {
        get
        {
            lock (gate)
                return [.. operations];
        }
    }

    public void Sending(Operation operation)
    {
        lock (gate)
        {
            moment++;
            var again = operation.Sent > 0;
            if (!again)
            {
                operation.Sent = moment;
                operations.Add(operation);
            }
            Line(again ? "replay" : "send", operation, operation.ChatId ?? "a chat");
        }
    }

    public void Answered(Operation operation, Reply reply)
    {
        lock (gate)
        {
            moment++;
            operation.Status = reply.OperationStatus;
            operation.Id = reply.Id;
            operation.WasUnknown |= reply.OperationStatus == OperationStatus.Unknown;
            operation.HadArrived |= reply.Replayed;
            if (reply.OperationStatus != OperationStatus.Unknown)
                operation.Answered = moment;
            Line(
                reply.OperationStatus switch
                {
                    OperationStatus.Acknowledged => "ok",
                    OperationStatus.Refused => "fail",
                    _ => "unknown",
                },
                operation,
                reply.Id + reply.Reason);
        }
    }

    /// <summary>A line about the environment, for instance that a fault begins.</summary>
    public void Note(string text)
    {
        lock (gate)
        {
            file.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{++moment}\t{DateTime.UtcNow:HH:mm:ss.fff}\t== {text}"));
            file.Flush();
        }
    }

    public ValueTask DisposeAsync() => file.DisposeAsync();

    private void Line(string what, Operation operation, string detail) =>
        file.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{moment}\t{DateTime.UtcNow:HH:mm:ss.fff}\t{what}\t{operation.Token}\t{detail}"));
}
