using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Eviction;
using OrleansCache.BlockStore.Index;

namespace OrleansCache.BlockStore.Packed;

/// <summary>
/// One log segment: a file that is written from front to end once, then only read, then removed whole. What is under
/// "account" is changed under the gate of <see cref="PackedSegments"/>.
/// </summary>
internal sealed class PackedSegment(uint number, int slot) : IPinOwner, IReaped
{
    private SafeFileHandle? _handle;

    public PinGate Pins;

    public uint Number { get; } = number;

    public int Slot { get; } = slot;

    public SafeFileHandle? Handle => Volatile.Read(ref _handle);

    /// <summary>Account: what it takes of the tier.</summary>
    public long LengthBytes { get; set; }

    /// <summary>Account: where the next object goes.</summary>
    public long TailBytes { get; set; }

    /// <summary>Account: what objects and fills under way take of it.</summary>
    public long LiveBytes { get; set; }

    /// <summary>Account: how many objects and fills under way it has. It can go when there are none.</summary>
    public int Users { get; set; }

    /// <summary>Account: those of them that are fills; it is not compacted before they end.</summary>
    public int Fills { get; set; }

    /// <summary>Account: nothing more is written to it.</summary>
    public bool IsSealed { get; set; }

    /// <summary>Account: on its way out.</summary>
    public bool IsRetired { get; set; }

    /// <summary>Account: what the tier counts as leaving of it.</summary>
    public long LeavingBytes { get; set; }

    public object? GraceOwner { get; set; }

    public string Name => $"segment {Number}";

    public void Open(SafeFileHandle handle) => Volatile.Write(ref _handle, handle);

    public void Unpin(int pin) => Pins.Exit(pin);

    public bool AdvanceGrace(ref int step) => Pins.Advance(ref step);
}
