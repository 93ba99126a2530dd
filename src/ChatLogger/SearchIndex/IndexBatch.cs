using System.Data.Common;

namespace ChatLogger.SearchIndex;

/// <summary>
/// The rows that one transaction adds to the index: of a chat's own texts, and for each chat of its messages, in their order.
/// </summary>
internal sealed class IndexBatch(int seed, NewWords words)
{
    // Bounds the size of an index row, because a search reads the whole row and verifies all messages that it covers.
    private const int MaxMessages = 64, MaxTokens = 4_096;

    // Bounds the memory of one transaction.
    private const int MaxTokensPerStatement = 500_000;

    private readonly Dictionary<Guid, Row> _open = [];
    private readonly NormalizedText _normalized = new();
    private int _tokens;

    public List<Row> Rows { get; } = [];

    public bool IsFull => _tokens > MaxTokensPerStatement;

    /// <summary>The chats whose texts or messages have changed since they were indexed.</summary>
    public List<Guid> Changed { get; } = [];

    public void AddMessage(DbDataReader message)
    {
        var (chatId, seq) = (message.GetGuid(0), message.GetInt64(1));
        if (!_open.TryGetValue(chatId, out var row) || row.Messages == MaxMessages || row.Tokens.Count > MaxTokens)
            Rows.Add(_open[chatId] = row = new(chatId, seq));
        row.Messages++;
        row.Last = seq;
        Add(row, DocumentReader.OfMessage(message, 2));
    }

    /// <summary>Ends the rows of all chats: the next message begins another one.</summary>
    public void EndRows() => _open.Clear();

    public void AddChat(DbDataReader chat)
    {
        var (chatId, text) = (chat.GetGuid(0), DocumentReader.OfChat(chat, 2));
        if (chat.GetBoolean(1))
            Changed.Add(chatId);
        if (text.Length == 0)
            return;
        var row = new Row(chatId, 0);
        Rows.Add(row);
        Add(row, text);
    }

    private void Add(Row row, string text)
    {
        var before = row.Tokens.Count;
        _normalized.Read(text);
        Tokenizer.AddTokens(_normalized.Plain, seed, lone: false, row.Tokens, words);
        _tokens += row.Tokens.Count - before;
    }

    internal sealed class Row(Guid chatId, long first)
    {
        public Guid ChatId { get; } = chatId;

        public long First { get; } = first;

        public long Last { get; set; } = first;

        public int Messages { get; set; }

        public HashSet<int> Tokens { get; } = [];
    }
}
