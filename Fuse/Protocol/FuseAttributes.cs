using System.Runtime.InteropServices;

namespace OrleansCache.Fuse.Protocol;

/// <summary>What stat(2) tells of a node (struct fuse_attr).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseAttributes
{
    public ulong Inode;
    public ulong SizeBytes;

    /// <summary>In units of 512 bytes, whatever the block size.</summary>
    public ulong Blocks;
    public ulong AccessSeconds;
    public ulong ModifySeconds;
    public ulong ChangeSeconds;
    public uint AccessNanoseconds;
    public uint ModifyNanoseconds;
    public uint ChangeNanoseconds;

    /// <summary>File type and permission bits, see <see cref="FuseMode"/>.</summary>
    public uint Mode;
    public uint LinkCount;
    public uint Uid;
    public uint Gid;
    public uint DeviceId;
    public uint BlockSizeBytes;
    public uint Flags;
}

/// <summary>The reply to LOOKUP, and the head of a READDIRPLUS entry (struct fuse_entry_out).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseEntryOut
{
    /// <summary>Zero says "no such name" for EntrySeconds; any other raises the node's lookup count by one.</summary>
    public ulong NodeId;
    public ulong Generation;
    public ulong EntrySeconds;
    public ulong AttributesSeconds;
    public uint EntryNanoseconds;
    public uint AttributesNanoseconds;
    public FuseAttributes Attributes;

    /// <summary>An entry with both validities cut to what the wire can carry.</summary>
    public static FuseEntryOut Create(
        ulong nodeId, in FuseAttributes attributes, TimeSpan entryValidity, TimeSpan attributesValidity)
    {
        var entry = new FuseEntryOut { NodeId = nodeId, Attributes = attributes };
        (entry.EntrySeconds, entry.EntryNanoseconds) = FuseTime.Split(entryValidity);
        (entry.AttributesSeconds, entry.AttributesNanoseconds) = FuseTime.Split(attributesValidity);
        return entry;
    }
}

/// <summary>The reply to GETATTR (struct fuse_attr_out).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseAttributesOut
{
    public ulong Seconds;
    public uint Nanoseconds;
    public uint Padding;
    public FuseAttributes Attributes;

    public static FuseAttributesOut Create(in FuseAttributes attributes, TimeSpan validity)
    {
        var reply = new FuseAttributesOut { Attributes = attributes };
        (reply.Seconds, reply.Nanoseconds) = FuseTime.Split(validity);
        return reply;
    }
}

/// <summary>Time spans as the wire carries them.</summary>
internal static class FuseTime
{
    private const int NanosecondsPerTick = 100;

    /// <summary>Whole seconds and nanoseconds; a negative span is none.</summary>
    public static (ulong Seconds, uint Nanoseconds) Split(TimeSpan span)
    {
        var ticks = Math.Max(0, span.Ticks);
        var seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out var rest);
        return ((ulong)seconds, (uint)rest * NanosecondsPerTick);
    }
}

/// <summary>The file type bits of st_mode.</summary>
internal static class FuseMode
{
    public const uint TypeMask = 0xF000;
    public const uint Directory = 0x4000;
    public const uint Regular = 0x8000;
    public const uint Symlink = 0xA000;

    /// <summary>What a directory entry calls the type (DT_*).</summary>
    public static uint ToEntryType(uint mode) => (mode & TypeMask) >> 12;
}
