using System.Runtime.InteropServices;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>What a file system may ask of the kernel besides replies. Safe from any thread.</summary>
internal interface IFuseConnection
{
    /// <summary>What INIT agreed on.</summary>
    FuseConnectionInfo Info { get; }

    /// <summary>
    /// Registers an open file for passthrough; the kernel keeps it open, the caller may close its own descriptor.
    /// One id per node for as long as it has opens: a second id for the same node is refused at OPEN.
    /// </summary>
    /// <returns>None and the id; NotPermitted without CAP_SYS_ADMIN or without passthrough; Loop on a stacked file
    /// system.</returns>
    Errno OpenBacking(SafeHandle file, out int backingId);

    /// <summary>Gives a backing id back; open files that use it go on.</summary>
    void CloseBacking(int backingId);

    /// <summary>
    /// Asks the notify thread to drop a node's attributes and the cached pages of the range. Returns at once; no reply
    /// of any request may depend on when it happens.
    /// </summary>
    /// <param name="nodeId">The node.</param>
    /// <param name="offset">First byte; negative drops the attributes only.</param>
    /// <param name="length">Bytes; zero or less means to the end.</param>
    /// <returns>False when the bounded queue is full or the session ends: let the kernel's timeouts do it.</returns>
    bool InvalidateInode(ulong nodeId, long offset, long length);

    /// <summary>Asks the notify thread to drop one name of a directory. Same promises.</summary>
    bool InvalidateEntry(ulong parentId, ReadOnlySpan<byte> name);

    /// <summary>
    /// Asks the notify thread that one name, present or absent, is looked up again before it is used next. Nothing is dropped that
    /// turns out to be the same (pages, working directories), except by kernels before 6.2. Same promises.
    /// </summary>
    bool ExpireEntry(ulong parentId, ReadOnlySpan<byte> name);

    /// <summary>Asks the notify thread to say that a name was removed (inotify sees it). Same promises.</summary>
    bool NotifyDeleted(ulong parentId, ulong childId, ReadOnlySpan<byte> name);
}

/// <summary>What INIT agreed on.</summary>
/// <param name="Major">Protocol major version in use.</param>
/// <param name="Minor">The lower of both sides' minor versions.</param>
/// <param name="Features">Features both sides wanted.</param>
/// <param name="ReadBytesMax">Largest READ that can arrive.</param>
internal sealed record FuseConnectionInfo(uint Major, uint Minor, FuseFeatures Features, int ReadBytesMax)
{
    /// <summary>True when OPEN may answer with <see cref="FuseOpenFlags.Passthrough"/>.</summary>
    public bool Passthrough => (Features & FuseFeatures.Passthrough) != 0;
}
