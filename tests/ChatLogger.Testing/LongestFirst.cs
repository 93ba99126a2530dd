using Xunit.Abstractions;

namespace ChatLogger.Testing;

/// <summary>Starts the classes that take longest first, so that none of them runs alone at the end.</summary>
public abstract class LongestFirst(params string[] longest) : ITestCollectionOrderer
{
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(collection =>
        {
            var index = Array.FindIndex(longest, name => collection.DisplayName.EndsWith($".{name}", StringComparison.Ordinal));
            return index < 0 ? longest.Length : index;
        });
}
