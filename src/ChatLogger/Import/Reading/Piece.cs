namespace ChatLogger.Import;

/// <summary>A line, or an element of an array, as bytes; or the reason why it cannot be read.</summary>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Bytes">The bytes; they are valid until the next piece is read.</param>
/// <param name="Error">What is wrong; null: nothing.</param>
internal readonly record struct Piece(long Number, ReadOnlyMemory<byte> Bytes, string? Error)
{
    /// <summary>The size of a piece, in bytes. A conversation is held whole, so this limits the memory of an import.</summary>
    public const int Longest = 64 * 1024 * 1024;

    public static string TooLong => $"longer than {Longest / (1024 * 1024)} MiB";

    /// <summary>Whether nothing can be read after it.</summary>
    public bool IsEnd { get; init; }

    public static Piece Broken(long number, string reason) =>
        new(number, default, $"the file cannot be read further: {reason}") { IsEnd = true };
}
