using OrleansCache.Files;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// The directory of the namespace that was to be mounted cannot be shown; the message says why and what to do.
/// </summary>
/// <param name="status">Why.</param>
/// <param name="message">The sentence for the user.</param>
public sealed class OcacheMountException(ReadStatus status, string message) : IOException(message)
{
    /// <summary>Why.</summary>
    public ReadStatus Status { get; } = status;
}
