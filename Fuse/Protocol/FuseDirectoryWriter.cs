using System.Runtime.InteropServices;

namespace OrleansCache.Fuse.Protocol;

/// <summary>
/// Packs READDIR or READDIRPLUS entries into a buffer that never grows: an entry that does not fit is refused and
/// comes first in the kernel's next request. Works over any memory, so a deferred reply may use a rented one.
/// </summary>
internal ref struct FuseDirectoryWriter(Span<byte> room)
{
    /// <summary>FUSE_NAME_MAX of a directory entry.</summary>
    public const int NameBytesMax = 1024;

    private readonly Span<byte> _room = room;
    private int _used;

    /// <summary>Length of the reply so far; zero is the end of the directory.</summary>
    public readonly int UsedBytes => _used;

    /// <summary>Adds a READDIR entry.</summary>
    /// <param name="name">Raw bytes, neither empty nor with '/' or NUL.</param>
    /// <param name="inode">What the entry's d_ino says.</param>
    /// <param name="mode">Type bits of st_mode.</param>
    /// <param name="nextOffset">Cookie from which the listing goes on after this entry; never zero.</param>
    /// <returns>False when it does not fit; nothing was written then.</returns>
    public bool TryAdd(scoped ReadOnlySpan<byte> name, ulong inode, uint mode, ulong nextOffset) =>
        TryAdd(name, inode, mode, nextOffset, 0);

    /// <summary>
    /// Adds a READDIRPLUS entry. A node id other than zero raises that node's lookup count, but only when this
    /// returns true; node id zero gives the name without a lookup (right for "." and "..").
    /// </summary>
    /// <param name="name">Raw bytes, neither empty nor with '/' or NUL.</param>
    /// <param name="entry">The node; its Attributes give inode and type.</param>
    /// <param name="nextOffset">Cookie from which the listing goes on after this entry; never zero.</param>
    /// <returns>False when it does not fit; nothing was written then.</returns>
    public bool TryAddPlus(scoped ReadOnlySpan<byte> name, scoped in FuseEntryOut entry, ulong nextOffset)
    {
        var start = _used;
        if (!TryAdd(name, entry.Attributes.Inode, entry.Attributes.Mode, nextOffset, EntrySize))
        {
            return false;
        }

        MemoryMarshal.Write(_room[start..], in entry);
        return true;
    }

    private static unsafe int EntrySize => sizeof(FuseEntryOut);

    private unsafe bool TryAdd(scoped ReadOnlySpan<byte> name, ulong inode, uint mode, ulong nextOffset, int headBytes)
    {
        if (name.IsEmpty || name.Length > NameBytesMax)
        {
            throw new ArgumentException($"A directory entry's name has 1 to {NameBytesMax} bytes.", nameof(name));
        }

        var unpadded = headBytes + sizeof(FuseDirectoryEntry) + name.Length;
        var padded = (unpadded + 7) & ~7;
        if (padded > _room.Length - _used)
        {
            return false;
        }

        var target = _room.Slice(_used, padded);
        var entry = new FuseDirectoryEntry
        {
            Inode = inode,
            NextOffset = nextOffset,
            NameBytes = (uint)name.Length,
            Type = FuseMode.ToEntryType(mode),
        };
        MemoryMarshal.Write(target[headBytes..], in entry);
        name.CopyTo(target[(headBytes + sizeof(FuseDirectoryEntry))..]);
        target[unpadded..].Clear(); // Padding goes to user space: never old bytes.
        _used += padded;
        return true;
    }
}

/// <summary>The head of a directory entry, followed by its name (struct fuse_dirent).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseDirectoryEntry
{
    public ulong Inode;
    public ulong NextOffset;
    public uint NameBytes;
    public uint Type;
}
