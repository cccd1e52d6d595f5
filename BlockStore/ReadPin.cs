using Microsoft.Win32.SafeHandles;

namespace OrleansCache.BlockStore;

/// <summary>The answer to <see cref="IBlockStore.TryPin"/>.</summary>
public enum PinStatus : byte
{
    /// <summary>Pinned: the bytes stay until the pin is disposed.</summary>
    Pinned,

    /// <summary>At least one block of the range is not here: fill it.</summary>
    Missing,

    /// <summary>
    /// All there, but not proven since the machine restarted: <see cref="IBlockStore.EnsureVerifiedAsync"/> or
    /// <see cref="IBlockStore.BeginFillAsync"/> first.
    /// </summary>
    Unproven,
}

/// <summary>
/// A pinned byte range: where to pread or sendfile it from. A value, so that the hot path allocates nothing: dispose it
/// exactly once and do not keep copies. The handle belongs to the store and must not be closed.
/// </summary>
public readonly struct ReadPin : IDisposable
{
    private readonly IPinOwner? _owner;
    private readonly int _slot;

    internal ReadPin(IPinOwner? owner, int slot, SafeFileHandle handle, long fileOffsetBytes, int lengthBytes)
    {
        _owner = owner;
        _slot = slot;
        Handle = handle;
        FileOffsetBytes = fileOffsetBytes;
        LengthBytes = lengthBytes;
    }

    /// <summary>The cache file or log segment, open for reading.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Where the range begins in it. Says nothing about the offset in the user's file: small files are packed.</summary>
    public long FileOffsetBytes { get; }

    /// <summary>The range's length.</summary>
    public int LengthBytes { get; }

    /// <summary>Gives the range back.</summary>
    public void Dispose() => _owner?.Unpin(_slot);
}

/// <summary>Whoever counts pins.</summary>
internal interface IPinOwner
{
    /// <summary>Takes back one pin that was counted in the slot.</summary>
    void Unpin(int slot);
}
