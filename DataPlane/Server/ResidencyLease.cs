using Microsoft.Win32.SafeHandles;

namespace OrleansCache.DataPlane.Server;

/// <summary>
/// A fresh read-only descriptor of a cache file with <c>flock(LOCK_SH)</c> on it, and what is in the file. The server sends
/// the descriptor and closes its own copy; the lease then lives as long as the receiver keeps its copy.
/// </summary>
/// <param name="Descriptor">The descriptor; whoever gets this object disposes it.</param>
/// <param name="Generation">Names this cache file: a later one of the same key has another generation.</param>
/// <param name="LengthBytes">Length of the file version.</param>
/// <param name="BlockSizeBytes">Block size.</param>
/// <param name="ResidentBlocks">One bit a block, lowest first: verified and wholly resident. Empty with <paramref name="IsComplete"/>.</param>
/// <param name="IsComplete">All blocks are resident.</param>
public sealed record ResidencyLease(
    SafeFileHandle Descriptor, ulong Generation, long LengthBytes, int BlockSizeBytes, ReadOnlyMemory<byte> ResidentBlocks, bool IsComplete)
    : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();
}
