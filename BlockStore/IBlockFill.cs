namespace OrleansCache.BlockStore;

/// <summary>
/// The exclusive right to fill one block. One thread at a time. Bytes come in order; each write is in the cache file, and
/// readable through <see cref="IFillProgress"/>, when it returns. Disposing without an end is <see cref="FillFailure.Abandoned"/>.
/// </summary>
public interface IBlockFill : IDisposable
{
    /// <summary>The same fill as its readers see it.</summary>
    IFillProgress Progress { get; }

    /// <summary>
    /// Writes the next bytes of the block; <paramref name="offsetInBlockBytes"/> must equal <see cref="IFillProgress.ArrivedBytes"/>.
    /// False when the fill has ended meanwhile (disk full or failed, file dropped): see <see cref="IFillProgress.Failure"/>
    /// and read through without caching.
    /// </summary>
    bool Write(int offsetInBlockBytes, ReadOnlySpan<byte> bytes);

    /// <summary>
    /// Ends the fill after the block's last byte: true once the record is durable and the block visible. False if it has
    /// failed meanwhile. Cancelling stops the wait, not the completion.
    /// </summary>
    ValueTask<bool> CompleteAsync(CancellationToken cancellationToken);

    /// <summary>Ends the fill without a block: waiters get <paramref name="reason"/>, the bytes are given back. No effect after an end.</summary>
    void Abort(FillFailure reason);
}

/// <summary>A fill under way, as its readers see it: bytes may be used as soon as they have arrived (cut-through). Thread-safe.</summary>
public interface IFillProgress
{
    /// <summary>The cache file the bytes arrive in: <see cref="ResidencyLease.Generation"/>.</summary>
    long Generation { get; }

    /// <summary>The block's first byte in the file.</summary>
    long BlockOffsetBytes { get; }

    /// <summary>The block's length: the layout's, or less for the last block.</summary>
    int BlockLengthBytes { get; }

    /// <summary>How many bytes from the block's start are readable.</summary>
    int ArrivedBytes { get; }

    /// <summary>Why the fill ended, or <see cref="FillFailure.None"/>.</summary>
    FillFailure Failure { get; }

    /// <summary>Waits until the block's first <paramref name="upToBytes"/> bytes have arrived; <see cref="FillFailure.None"/> if they have.</summary>
    ValueTask<FillFailure> WaitArrivedAsync(int upToBytes, CancellationToken cancellationToken);

    /// <summary>
    /// Waits until the block is visible in the store (<see cref="FillFailure.None"/>) or the fill has failed. Whoever only
    /// wants the bytes uses <see cref="WaitArrivedAsync"/>, which does not wait for the journal.
    /// </summary>
    ValueTask<FillFailure> WaitCompletedAsync(CancellationToken cancellationToken);

    /// <summary>Pins bytes of the block that have arrived, before or after its completion. False if they have not, or the fill failed.</summary>
    bool TryPinArrived(int offsetInBlockBytes, int lengthBytes, out ReadPin pin);
}
