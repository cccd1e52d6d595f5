using Microsoft.Win32.SafeHandles;

namespace OrleansCache.DataPlane.Server;

/// <summary>A range of a cache file that cannot be punched until this is disposed. Dispose exactly once.</summary>
/// <param name="file">The cache file.</param>
/// <param name="fileOffsetBytes">Where the range starts in it.</param>
/// <param name="owner">Is told when the range is no longer needed.</param>
/// <param name="token">The owner's own note.</param>
public readonly struct PinnedRange(SafeFileHandle file, long fileOffsetBytes, IPinOwner owner, long token) : IDisposable
{
    /// <summary>The cache file.</summary>
    public SafeFileHandle File { get; } = file;

    /// <summary>Where the range starts in <see cref="File"/>.</summary>
    public long FileOffsetBytes { get; } = fileOffsetBytes;

    /// <inheritdoc/>
    public void Dispose() => owner?.Unpin(token);
}
