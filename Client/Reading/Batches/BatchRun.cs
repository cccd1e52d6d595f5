using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace OrleansCache.Reading.Batches;

/// <summary>
/// One enumeration of many files. A pump looks names up some way ahead, gives files memory in the order asked and sends them in batches;
/// the consumer takes them in the same order. Memory is what slows the pump down: a file holds its part of the budget until it is handed
/// over. Nothing waits for the consumer but the pump, and it has sent all it has before it waits; a call that holds nothing is given
/// memory even beyond the budget. So the file the consumer waits for is always on its way.
/// </summary>
internal sealed partial class BatchRun(BatchServices services, ReadManyOptions options) : IDisposable
{
    private readonly Channel<BatchSlot> _ordered = Channel.CreateUnbounded<BatchSlot>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private long _heldBytes;

    /// <summary>Reads the files, once for a run, and disposes it.</summary>
    public async IAsyncEnumerable<ReadManyResult> ReadAsync(
        IEnumerable<string> paths, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Off the caller's thread and scheduler: with warm names it would send everything before the first result is asked for.
        var pumping = Task.Run(() => PumpAsync(paths, stop.Token), CancellationToken.None);
        BatchSlot? current = null;
        try
        {
            await foreach (var slot in _ordered.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                current = slot;
                await slot.Done.WaitAsync(cancellationToken).ConfigureAwait(false);
                Return(slot);
                current = null;
                yield return slot.Take();
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await pumping.ConfigureAwait(false);
            await WhenNothingIsInFlightAsync().ConfigureAwait(false);
            Drop(current);
            while (_ordered.Reader.TryRead(out var left))
            {
                Drop(left);
            }

            Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _batches.Dispose();
        _singleReads.Dispose();
    }

    private void Drop(BatchSlot? slot)
    {
        if (slot is not null)
        {
            Return(slot);
            slot.Drop();
        }
    }

    private void Hold(BatchSlot slot, long bytes)
    {
        slot.HeldBytes += bytes;
        Interlocked.Add(ref _heldBytes, bytes);
    }

    private void Return(BatchSlot slot)
    {
        // First our own part, then the budget's, which wakes the pump.
        Interlocked.Add(ref _heldBytes, -slot.HeldBytes);
        services.Budget.Return(slot.HeldBytes);
        slot.HeldBytes = 0;
    }
}
