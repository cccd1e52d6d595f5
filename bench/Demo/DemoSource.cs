using OrleansCache.LocalCluster;

namespace OrleansCache.Demo;

/// <summary>What the demo reads through: the dataset's own folder, or a store the dataset was copied to.</summary>
internal abstract class DemoSource : IAsyncDisposable
{
    /// <summary>What people are told it is.</summary>
    public abstract string Name { get; }

    /// <summary>What the silo's environment needs.</summary>
    public virtual IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>();

    /// <summary>Attaches it.</summary>
    public abstract Task AttachAsync(LocalSilo silo, string path, CancellationToken cancellationToken);

    /// <summary>What the store itself counted since the last call; null when it counts nothing.</summary>
    public virtual Task<StoreCount?> CountAsync(CancellationToken cancellationToken) => Task.FromResult<StoreCount?>(null);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}

/// <summary>Requests as the store's own log tells them.</summary>
/// <param name="Requests">All of them.</param>
/// <param name="Reads">Those for bytes of objects.</param>
/// <param name="Bytes">Bytes of objects it sent.</param>
/// <param name="Heads">Those for the attributes of one object.</param>
/// <param name="Lists">Those for a page of a listing.</param>
internal sealed record StoreCount(int Requests, int Reads, long Bytes, int Heads, int Lists);

/// <summary>The dataset where it is.</summary>
internal sealed class FolderSource(Dataset dataset) : DemoSource
{
    /// <inheritdoc/>
    public override string Name => dataset.Root;

    /// <inheritdoc/>
    public override Task AttachAsync(LocalSilo silo, string path, CancellationToken cancellationToken) =>
        silo.AttachAsync(dataset.Root, path, cancellationToken: cancellationToken);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
