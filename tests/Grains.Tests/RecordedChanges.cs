using System.Collections.Concurrent;
using System.Collections.Immutable;
using OrleansCache.Files;
using OrleansCache.Grains.Namespaces;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Tests;

/// <summary>Remembers what was published.</summary>
internal sealed class RecordedChanges : IChangePublisher
{
    /// <summary>Directory and names, comma between; no names = any.</summary>
    public ConcurrentQueue<string> Said { get; } = new();

    public void Changed(SourceId source, string directoryPath, IReadOnlyCollection<string> names) =>
        Said.Enqueue($"{directoryPath}: {string.Join(',', names.Order(StringComparer.Ordinal))}");

    public Task PublishNowAsync(SourceId source, ImmutableArray<PathChange> changes) => Task.CompletedTask;
}
