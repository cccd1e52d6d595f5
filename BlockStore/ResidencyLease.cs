using Microsoft.Win32.SafeHandles;

namespace OrleansCache.BlockStore;

/// <summary>The answer to <see cref="IBlockStore.TryLease"/>.</summary>
public enum LeaseStatus : byte
{
    /// <summary>Leased.</summary>
    Leased,

    /// <summary>The store has nothing proven of the file.</summary>
    Missing,

    /// <summary>Blocks of the file are being punched at this moment: ask again, or use the data plane.</summary>
    Busy,

    /// <summary>
    /// Unlinked files that are still open hold too much of the tier, descriptors run out, or the disk cannot open it: use the
    /// data plane.
    /// </summary>
    Refused,

    /// <summary>It is all there, but packed with others: there is no file to lease. Pin and read it.</summary>
    Packed,
}

/// <summary>
/// A residency lease before it is passed on. Pass <see cref="Handle"/> by SCM_RIGHTS and dispose this: the flock belongs to
/// the open file description, lives on in the receiver, and ends with the last copy of the descriptor.
/// </summary>
public sealed class ResidencyLease : IDisposable
{
    internal ResidencyLease(SafeFileHandle handle, FileResidency residency, long generation)
    {
        Handle = handle;
        Residency = residency;
        Generation = generation;
    }

    /// <summary>The read-only descriptor that holds the shared lock.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>The proven blocks, as seen with the lock held: safe to read as long as the descriptor is open.</summary>
    public FileResidency Residency { get; }

    /// <summary>
    /// Names the cache file behind the descriptor. A later <see cref="FileResidency.Generation"/> that differs speaks of
    /// another cache file (this one was evicted and filled again): its news must not be applied to this descriptor.
    /// </summary>
    public long Generation { get; }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
