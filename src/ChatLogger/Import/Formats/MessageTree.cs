using System.Text.Json;

namespace ChatLogger.Import;

/// <summary>
/// The messages of a conversation that was edited or answered again: each knows the one before it, and several may follow the same one.
/// </summary>
internal sealed class MessageTree
{
    private readonly Dictionary<string, (string? Parent, JsonElement Node)> _nodes = [];
    private readonly Dictionary<string, string> _lastChild = [];
    private readonly List<string> _order = [];

    public void Add(string id, string? parent, JsonElement node)
    {
        if (!_nodes.TryAdd(id, (parent, node)))
            throw new FormatException("two messages have the same id");
        _order.Add(id);
        if (parent is not null)
            _lastChild[parent] = id;
    }

    /// <summary>
    /// The branches to import, the latest first. Key is null for the latest, so that it is the same chat whether the others are imported or
    /// not, and for the others the id of their last message.
    /// </summary>
    /// <param name="latest">A message of the latest branch, which follows the newest answers from there; unknown: the last branch.</param>
    /// <param name="branches">Which ones.</param>
    public IEnumerable<(string? Key, List<JsonElement> Nodes)> Branches(string? latest, Branches branches)
    {
        var leaves = _order.FindAll(id => !_lastChild.ContainsKey(id));
        var last = latest is not null && _nodes.ContainsKey(latest) ? latest : leaves.LastOrDefault();
        if (last is null)
        {
            if (_order.Count > 0)
                throw new FormatException("its messages follow each other in a circle");
            return [(null, [])];
        }
        for (var step = 0; _lastChild.TryGetValue(last, out var child) && step < _order.Count; step++)
            last = child;
        var others = branches == Import.Branches.All ? leaves.Where(leaf => leaf != last) : [];
        return others.Select(leaf => ((string?)leaf, Path(leaf))).Prepend((null, Path(last)));
    }

    private List<JsonElement> Path(string leaf)
    {
        var path = new List<JsonElement>();
        for (var id = leaf; id is not null && _nodes.TryGetValue(id, out var found); id = found.Parent)
        {
            if (path.Count == _nodes.Count)
                throw new FormatException("its messages follow each other in a circle");
            path.Add(found.Node);
        }
        path.Reverse();
        return path;
    }
}
