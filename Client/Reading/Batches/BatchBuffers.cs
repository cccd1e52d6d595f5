using System.Buffers;

namespace OrleansCache.Reading.Batches;

/// <summary>
/// Memory for files read many at a time. The process's own pool keeps 32 buffers of a size and core, fewer than a call has on their way,
/// and what it does not keep is new pages from the kernel for each file. Keeps no more than the budget. Thread-safe.
/// </summary>
internal sealed class BatchBuffers(long budgetBytes)
{
    private const int LargestKeptBytes = 128 << 10;
    private const int MostOfASize = 1024;

    // Sizes are powers of two: so many of each are less than the budget together.
    private readonly ArrayPool<byte> _kept = ArrayPool<byte>.Create(
        LargestKeptBytes, (int)Math.Clamp(budgetBytes / (2 * LargestKeptBytes), 1, MostOfASize));

    /// <summary>A buffer of at least this length, its content undefined.</summary>
    public byte[] Rent(int length) => PoolOf(length).Rent(length);

    /// <summary>Gives it back; nobody may write to it any more.</summary>
    public void Return(byte[] buffer) => PoolOf(buffer.Length).Return(buffer);

    private ArrayPool<byte> PoolOf(int length) => length <= LargestKeptBytes ? _kept : ArrayPool<byte>.Shared;
}
