using System.Collections.Concurrent;

namespace OrleansCache.Silo.Filling;

/// <summary>
/// The buffers that pieces of blocks pass through: one for each fill that may run, made when first needed, never given back
/// to the collector. So memory for fills is <c>ConcurrentFills x PieceBytes</c> and not more.
/// </summary>
internal sealed class PieceBuffers(int pieceBytes)
{
    private readonly ConcurrentBag<byte[]> _free = [];

    /// <summary>A buffer; its owner returns it once.</summary>
    public byte[] Rent() =>
        _free.TryTake(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(pieceBytes, pinned: true);

    /// <summary>Takes a buffer back.</summary>
    public void Return(byte[] buffer) => _free.Add(buffer);
}
