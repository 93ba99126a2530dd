namespace ChatLogger.Redaction;

/// <summary>A place in a text that is to be replaced: from a start up to an end, by the name of what was recognized.</summary>
internal readonly record struct Finding(int Start, int End, string Name)
{
    /// <summary>Adds a place. Most texts have none, so the list is made with the first one.</summary>
    public static void Add(ref List<Finding>? found, int start, int end, string name) => (found ??= []).Add(new(start, end, name));
}

/// <summary>Finds what it recognizes in a text, in time linear in its length.</summary>
internal delegate void Detector(string text, ref List<Finding>? found);
