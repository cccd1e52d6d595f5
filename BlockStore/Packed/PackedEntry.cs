using System.Numerics;
using System.Runtime.InteropServices;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Packed;

/// <summary>What the index holds of one object: 36 bytes of native memory.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct PackedEntry
{
    private const int LengthBits = 21; // Up to and with 1 MiB.

    public ulong High;
    public ulong Low;

    /// <summary>A <see cref="PackedPlace"/>; 0 in an entry that is free.</summary>
    public ulong Place;

    /// <summary>The next item of the chain; 0 at its end.</summary>
    public uint Next;

    public uint Checksum;

    private readonly uint _shape;

    public PackedEntry(FileKey key, PackedPlace place, int lengthBytes, BlockLayout layout, uint checksum)
    {
        High = key.High;
        Low = key.Low;
        Place = place.Value;
        Checksum = checksum;
        _shape = (uint)lengthBytes | ((uint)BitOperations.Log2((uint)layout.BlockSizeBytes) << LengthBits);
    }

    public readonly FileKey Key => new(High, Low);

    public readonly PackedPlace At => new(Place);

    public readonly int LengthBytes => (int)(_shape & ((1u << LengthBits) - 1));

    public readonly BlockLayout Layout => new(1 << (int)(_shape >> LengthBits));

    /// <summary>What the object takes in its segment.</summary>
    public readonly long SpaceBytes => PackedPlace.SpaceOf(LengthBytes);
}

/// <summary>How far an object can be believed.</summary>
internal enum PackedState : byte
{
    /// <summary>No object.</summary>
    Free,

    /// <summary>To be verified before it is served or moved.</summary>
    Unproven,

    /// <summary>Its bytes are where the journal says.</summary>
    Proven,
}

/// <summary>Where an object lies, whose it is, how far it is believed: state 2, source 16, segment slot 22, offset/16 24 bits.</summary>
internal readonly record struct PackedPlace(ulong Value)
{
    public const int AlignmentBytes = 16;
    public const int SlotsMax = 1 << 22;
    public const long SegmentBytesMax = 256L << 20;
    private const int SourceShift = 2, SlotShift = 18, OffsetShift = 40;

    public PackedPlace(PackedState state, ushort source, int slot, long offsetBytes)
        : this((ulong)state | ((ulong)source << SourceShift) | ((ulong)slot << SlotShift)
            | ((ulong)(offsetBytes / AlignmentBytes) << OffsetShift))
    {
    }

    public PackedState State => (PackedState)(Value & 3);

    public ushort Source => (ushort)(Value >> SourceShift);

    public int Slot => (int)(Value >> SlotShift) & (SlotsMax - 1);

    public long OffsetBytes => (long)(Value >> OffsetShift) * AlignmentBytes;

    public static long SpaceOf(int lengthBytes) => (lengthBytes + (long)AlignmentBytes - 1) & -AlignmentBytes;

    public PackedPlace With(PackedState state) => new((Value & ~3UL) | (ulong)state);

    /// <summary>The same bytes, whatever is believed of them.</summary>
    public bool IsWhere(PackedPlace other) => Value >> SlotShift == other.Value >> SlotShift;
}
