using OrleansCache.Files;
using OrleansCache.Metadata;

namespace OrleansCache.Reading;

/// <summary>Opens files for reading; readers of one version share one lease.</summary>
internal interface IFileOpener
{
    /// <summary>
    /// A reader for exactly the version the node names. The client's own answer: no grain call, and with a silo on this host one
    /// round trip over the Unix socket at most.
    /// </summary>
    ValueTask<OpenOutcome> OpenAsync(NodeEntry file, CancellationToken cancellationToken);
}

/// <summary>How an open ended.</summary>
/// <param name="Status">Ok, StaleVersion, AccessDenied, DeadlineExceeded or Unavailable.</param>
/// <param name="Reader">The reader, when Ok; the caller disposes it.</param>
internal readonly record struct OpenOutcome(ReadStatus Status, IFileReader? Reader)
{
    /// <summary>What was spent on it, unless Ok.</summary>
    public Effort Effort { get; init; }
}
