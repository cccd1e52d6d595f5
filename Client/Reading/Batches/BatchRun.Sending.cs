using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Routing;

namespace OrleansCache.Reading.Batches;

/// <summary>
/// The batches on their way, each a task of its own. A file that its batch did not bring (a silo restarted, a right ran out, its version
/// is gone, the silo is too old for batches) is read by itself, with everything a single read does, and a deadline from then on.
/// </summary>
internal sealed partial class BatchRun
{
    // Connections have bounds of their own (IBlockConnection.ReadBatchAsync); two batches for each of a silo's four keep them busy.
    private const int BatchesAtOnce = 8;
    private const int SingleReadsAtOnce = 16;

    private readonly SemaphoreSlim _batches = new(BatchesAtOnce);
    private readonly SemaphoreSlim _singleReads = new(SingleReadsAtOnce);

    private async ValueTask SendAsync(string silo, BatchGroup group, CancellationToken cancellationToken)
    {
        await _batches.WaitAsync(cancellationToken).ConfigureAwait(false);
        _groups.Remove(silo);
        _ = ReadGroupAsync(group, cancellationToken);
    }

    private async ValueTask WhenNothingIsInFlightAsync()
    {
        for (var batch = 0; batch < BatchesAtOnce; batch++)
        {
            await _batches.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Ends every file of the group, whatever happens. Never throws.</summary>
    private async Task ReadGroupAsync(BatchGroup group, CancellationToken cancellationToken)
    {
        try
        {
            var singles = new List<Task>();
            var key = group.Slots[0].Node!.Entry.Key;
            var connection = await FindAsync(key, cancellationToken).ConfigureAwait(false);
            var outcome = connection is not null && connection.MaxBatchBytes >= group.Bytes
                ? await connection.ReadBatchAsync(group.Reads, cancellationToken).ConfigureAwait(false)
                : new ReadOutcome(ReadStatus.NotSupported, 0, false);
            for (var index = 0; index < group.Slots.Count; index++)
            {
                var slot = group.Slots[index];
                var status = outcome.Status == ReadStatus.NotSupported ? null : group.Reads.Span[index].Answer;
                if (status == ReadStatus.Ok)
                {
                    slot.Complete();
                }
                else
                {
                    singles.Add(ReadSingleAsync(slot, status, cancellationToken));
                }
            }

            // All of them, also when one fails: none may write to memory that is given back.
            await Task.WhenAll(singles).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            group.Fault(error);
        }
        finally
        {
            _batches.Release();
        }
    }

    private async ValueTask<IBlockConnection?> FindAsync(FileKey key, CancellationToken cancellationToken)
    {
        try
        {
            return await services.Router.FindAsync(key, cancellationToken).ConfigureAwait(false);
        }
        catch (SiloRefusesException)
        {
            return null; // Each file has that as its own error, from reading it by itself.
        }
    }

    /// <summary>One clock for turn, open and read: while a silo is away, many files must not wait for each other's deadlines one by one.</summary>
    private async Task ReadSingleAsync(BatchSlot slot, ReadStatus? answer, CancellationToken cancellationToken)
    {
        using var deadline = services.Deadlines.Begin(services.FileTimeout, cancellationToken);
        try
        {
            await ReadInTurnAsync(slot, answer, deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (deadline.IsOver)
        {
            slot.Fail(CacheClientException.From(ReadStatus.Unavailable, slot.Path, "reading", deadline.Effort));
        }
    }

    private async Task ReadInTurnAsync(BatchSlot slot, ReadStatus? answer, CancellationToken cancellationToken)
    {
        await _singleReads.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var (status, effort) = answer is ReadStatus.StaleVersion or ReadStatus.NotFound or ReadStatus.AccessDenied
                ? (answer.Value, default)
                : await ReadOnceAsync(slot, cancellationToken).ConfigureAwait(false);
            if (status is ReadStatus.StaleVersion or ReadStatus.NotFound)
            {
                // Replaced since it was looked up: nothing of it was handed over, so the present version is as good.
                (status, effort) = await RenewAsync(slot, cancellationToken).ConfigureAwait(false);
            }

            if (status == ReadStatus.Ok)
            {
                slot.Complete();
            }
            else
            {
                slot.Fail(CacheClientException.From(status, slot.Path, "reading", effort));
            }
        }
        finally
        {
            _singleReads.Release();
        }
    }

    private async ValueTask<(ReadStatus Status, Effort Effort)> ReadOnceAsync(BatchSlot slot, CancellationToken cancellationToken)
    {
        var opened = await services.Files.OpenAsync(slot.Node!, cancellationToken).ConfigureAwait(false);
        if (opened.Reader is null)
        {
            return (opened.Status, opened.Effort);
        }

        using (opened.Reader)
        {
            var read = await opened.Reader.ReadAsync(0, slot.Memory, cancellationToken).ConfigureAwait(false);
            return read.Status == ReadStatus.Ok && read.Bytes != slot.Memory.Length
                ? (ReadStatus.Unavailable, read.Effort)
                : (read.Status, read.Effort);
        }
    }

    private async ValueTask<(ReadStatus Status, Effort Effort)> RenewAsync(BatchSlot slot, CancellationToken cancellationToken)
    {
        var renewed = await services.Rights.RenewAsync(slot.Node!, cancellationToken).ConfigureAwait(false);
        if (renewed.Node is not { } node)
        {
            return (renewed.Status == ReadStatus.StaleVersion ? ReadStatus.NotFound : renewed.Status, default);
        }

        if (Refusal(slot.Path, node) is { } refusal)
        {
            slot.Fail(refusal);
            return (ReadStatus.Ok, default);
        }

        var more = HeldBytes(node.LengthBytes) - slot.HeldBytes;
        if (more > 0)
        {
            // Not waited for: what others hold may be waiting for this one.
            services.Budget.Take(more);
            Hold(slot, more);
        }

        slot.Rent(node);
        return node.LengthBytes == 0 ? (ReadStatus.Ok, default) : await ReadOnceAsync(slot, cancellationToken).ConfigureAwait(false);
    }
}
