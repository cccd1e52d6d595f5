using Microsoft.Win32.SafeHandles;

namespace OrleansCache.BlockStore.Packed;

/// <summary>Where one object is being filled to. The flags are changed under the key's gate.</summary>
internal sealed class PackedTarget(PackedStore store, FileShape shape, ushort source, PackedSegment segment, long offsetBytes) : IFillPlace
{
    public FileShape Shape { get; } = shape;

    public PackedSegment Segment { get; } = segment;

    public PackedPlace Place { get; } = new(PackedState.Proven, source, segment.Slot, offsetBytes);

    public long SpaceBytes => PackedPlace.SpaceOf((int)Shape.LengthBytes);

    /// <summary>The object was dropped while it was filled.</summary>
    public bool IsDropped { get; set; }

    /// <summary>No valid record of it can come back: none was written, or a gone record behind it is durable.</summary>
    public bool IsUnrecorded { get; set; } = true;

    public long Generation => store.Generation;

    public int Pin() => Segment.Pins.Enter();

    public void Unpin(int slot) => Segment.Pins.Exit(slot);

    public SafeFileHandle? ShownHandle(int block) => store.IsShownAt(Shape.Key, Place) ? Segment.Handle : null;
}
