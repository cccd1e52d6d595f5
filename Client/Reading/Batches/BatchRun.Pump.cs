using System.Numerics;
using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;
using OrleansCache.Metadata;

namespace OrleansCache.Reading.Batches;

/// <summary>The pump: one task, so what it keeps needs no lock.</summary>
internal sealed partial class BatchRun
{
    // What a file costs besides its bytes, and the least it is counted as: bounds how many small and missing ones wait for the consumer.
    private const int LeastHeldBytes = 4096;

    private readonly Queue<BatchSlot> _lookups = new();
    private readonly Dictionary<string, BatchGroup> _groups = new(StringComparer.Ordinal);

    /// <summary>Runs to its end; what goes wrong is told to every file that is not on its way yet.</summary>
    private async Task PumpAsync(IEnumerable<string> paths, CancellationToken cancellationToken)
    {
        Exception? fault = null;
        try
        {
            foreach (var path in paths)
            {
                ArgumentNullException.ThrowIfNull(path, nameof(paths));
                cancellationToken.ThrowIfCancellationRequested();
                if (_lookups.Count >= options.LookupsAtOnce)
                {
                    await PlanNextAsync(cancellationToken).ConfigureAwait(false);
                }

                var slot = new BatchSlot(path, services.Find(path, cancellationToken).AsTask(), services.Budget.Buffers);
                _lookups.Enqueue(slot);
                _ordered.Writer.TryWrite(slot);
                while (_lookups.TryPeek(out var first) && first.Lookup.IsCompleted)
                {
                    await PlanNextAsync(cancellationToken).ConfigureAwait(false);
                }
            }

            while (_lookups.Count > 0)
            {
                await PlanNextAsync(cancellationToken).ConfigureAwait(false);
            }

            await SendAllAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            fault = error;
            foreach (var slot in _lookups)
            {
                slot.Fault(error);
                _ = slot.Lookup.ContinueWith(
                    static lookup => lookup.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }

            foreach (var group in _groups.Values)
            {
                group.Fault(error);
            }
        }

        _ordered.Writer.TryComplete(fault);
    }

    /// <summary>Takes the first name that was looked up and puts the file on its way.</summary>
    private async ValueTask PlanNextAsync(CancellationToken cancellationToken)
    {
        var slot = _lookups.Peek();
        if (!slot.Lookup.IsCompleted)
        {
            await SendAllAsync(cancellationToken).ConfigureAwait(false);
        }

        NodeEntry? node = null;
        CacheClientException? error = null;
        try
        {
            node = await slot.Lookup.ConfigureAwait(false);
            error = Refusal(slot.Path, node);
        }
        catch (CacheClientException failure)
        {
            error = failure;
        }

        var bytes = error is null ? HeldBytes(node!.LengthBytes) : LeastHeldBytes;
        await ReserveAsync(slot, bytes, cancellationToken).ConfigureAwait(false);
        if (error is not null)
        {
            slot.Fail(error);
        }
        else
        {
            slot.Rent(node!);
            if (node!.LengthBytes == 0)
            {
                slot.Complete();
            }
            else
            {
                await AddAsync(slot, cancellationToken).ConfigureAwait(false);
            }
        }

        _lookups.Dequeue();
    }

    /// <summary>Puts a file into its silo's batch.</summary>
    private async ValueTask AddAsync(BatchSlot slot, CancellationToken cancellationToken)
    {
        var silo = services.Router.SiloOf(slot.Node!.Entry.Key) ?? string.Empty;
        if (!_groups.TryGetValue(silo, out var group))
        {
            _groups.Add(silo, group = new BatchGroup());
        }

        if (!group.TryAdd(slot))
        {
            await SendAsync(silo, group, cancellationToken).ConfigureAwait(false);
            _groups.Add(silo, group = new BatchGroup());
            group.TryAdd(slot);
        }

        if (group.Bytes >= BatchGroup.FullBytes || group.Slots.Count == FrameLimits.MaxBatchRanges)
        {
            await SendAsync(silo, group, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask SendAllAsync(CancellationToken cancellationToken)
    {
        while (_groups.Count > 0)
        {
            var (silo, group) = _groups.First();
            await SendAsync(silo, group, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Waits until there is memory for a file. Once it had to wait it waits until half of what the call held was handed over: a consumer
    /// that is slower than we are would otherwise get batches of one.
    /// </summary>
    private async ValueTask ReserveAsync(BatchSlot slot, long bytes, CancellationToken cancellationToken)
    {
        if (services.Budget.TryTake(bytes))
        {
            Hold(slot, bytes);
            return;
        }

        await SendAllAsync(cancellationToken).ConfigureAwait(false);
        var resumeAt = Interlocked.Read(ref _heldBytes) / 2;
        while (true)
        {
            var returned = services.Budget.WhenReturned();
            var held = Interlocked.Read(ref _heldBytes);
            if (held <= resumeAt && services.Budget.TryTake(bytes))
            {
                break;
            }

            if (held == 0)
            {
                services.Budget.Take(bytes);
                break;
            }

            await returned.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        Hold(slot, bytes);
    }

    private CacheClientException? Refusal(string path, NodeEntry node) =>
        node.Kind != FileKind.File || node.Source is null
            ? CacheClientException.From(
                node.Kind == FileKind.Directory ? ReadStatus.IsADirectory : ReadStatus.InvalidRequest, path, "reading")
            : node.LengthBytes > options.MaxFileBytes ? new FileTooLargeException(path, node.LengthBytes, options.MaxFileBytes)
            : null;

    // The pool gives arrays of powers of two.
    private static long HeldBytes(long lengthBytes) =>
        Math.Max(LeastHeldBytes, (long)BitOperations.RoundUpToPowerOf2((ulong)lengthBytes));
}
