using System.Runtime.CompilerServices;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Routing;

namespace OrleansCache.Reading;

/// <summary>
/// The waiting part: opening, fetching what is missing, and everything that goes wrong on the way. Attempts are repeated until
/// the deadline, so a silo's restart is a pause; a version that is gone is an answer at once. The preads at the end of a
/// fetch run on the caller's thread: the silo has just written those pages, so they are short. What a warm read of another
/// host's file passes through has pooled builders, so that it allocates nothing.
/// </summary>
internal sealed partial class SharedFile
{
    // More is not sent by the data plane on one host: from the descriptor it is cheaper than the extra round trips.
    private const int FirstReadBytesMax = 1 << 20;

    /// <summary>Presents the right to read and takes a lease where one can be had: one round trip, both requests in flight.</summary>
    public async ValueTask<FetchOutcome> OpenAsync(CancellationToken cancellationToken)
    {
        if (_lease is not null || LengthBytes == 0)
        {
            return new FetchOutcome(ReadStatus.Ok);
        }

        return await WithinDeadlineAsync(OpenOnceAsync, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads a range inside the file, waiting for what is missing, and asks for what comes after it.</summary>
    /// <param name="offsetBytes">Start.</param>
    /// <param name="destination">Filled wholly when Ok.</param>
    /// <param name="cancellationToken">The reader's.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<FetchOutcome> FetchAsync(
        long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var plan = _readahead.OnMiss(offsetBytes, destination.Length);
        if (!_isPacked)
        {
            StartPrefetch(plan); // Beside the demanded range, not before it.
        }

        var (outcome, waited) = await FetchAsync(offsetBytes, destination, plan.EnsureEnd, cancellationToken)
            .ConfigureAwait(false);
        if (waited && outcome.Status == ReadStatus.Ok)
        {
            _readahead.OnWaited(plan);
            _services.Directories?.OnColdRead(_node);
        }

        return outcome;
    }

    /// <summary>Reads a range inside the file, waiting for what is missing.</summary>
    /// <param name="offsetBytes">Start.</param>
    /// <param name="destination">Filled wholly when Ok.</param>
    /// <param name="wantedEnd">Asks the silo to have the bytes up to here ready, at or after the end of the range.</param>
    /// <param name="cancellationToken">The reader's.</param>
    /// <returns>How it ended and whether something had to be fetched.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(FetchOutcome Outcome, bool Waited)> FetchAsync(
        long offsetBytes, Memory<byte> destination, long wantedEnd, CancellationToken cancellationToken)
    {
        using var deadline = _services.Deadlines.Begin(_services.Options.Deadline, cancellationToken);
        var last = ReadStatus.Ok;
        var waited = false;
        try
        {
            var done = 0;
            while (done < destination.Length)
            {
                var step = await StepAsync(offsetBytes + done, destination[done..], wantedEnd, deadline.Token).ConfigureAwait(false);
                waited |= !step.WasResident;
                last = step.Status;
                if (last == ReadStatus.Ok)
                {
                    done += step.Bytes;
                    deadline.Progressed();
                    continue;
                }

                if (ReadDeadline.IsFinal(last))
                {
                    return (Final(last, deadline), waited);
                }

                await deadline.PauseAsync().ConfigureAwait(false);
            }

            return (new FetchOutcome(ReadStatus.Ok), waited);
        }
        catch (OperationCanceledException) when (deadline.IsOver)
        {
            return (new FetchOutcome(ReadDeadline.Outcome(last), deadline.Effort), true);
        }
        catch (SiloRefusesException refusal)
        {
            return (Refused(refusal, deadline), waited);
        }
    }

    /// <summary>Makes the whole file resident.</summary>
    /// <param name="onProgress">Told bytes that became known as resident, and whether they had to be fetched.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async ValueTask<FetchOutcome> LoadAsync(Action<long, bool> onProgress, CancellationToken cancellationToken)
    {
        const long StepBytes = 32 << 20;
        var at = 0L;
        while (at < LengthBytes)
        {
            var length = Math.Min(StepBytes, LengthBytes - at);
            var outcome = await WithinDeadlineAsync(
                async (connection, token) =>
                {
                    var ensured = await connection.EnsureAsync(Key, at, length, token).ConfigureAwait(false);
                    if (ensured.Status != ReadStatus.Ok)
                    {
                        return await RestoreRightsAsync(connection, ensured.Status, token).ConfigureAwait(false);
                    }

                    at += ensured.AvailableBytes;
                    onProgress(ensured.AvailableBytes, !ensured.WasResident);
                    return at + length < LengthBytes && !ensured.WasResident
                        ? await connection.PrefetchAsync(Key, at, length, token).ConfigureAwait(false)
                        : ReadStatus.Ok;
                },
                cancellationToken).ConfigureAwait(false);
            if (outcome.Status != ReadStatus.Ok)
            {
                return outcome;
            }
        }

        return new FetchOutcome(ReadStatus.Ok);
    }

    /// <summary>How much is cached now: asks the silo, not the lease, and takes nothing.</summary>
    public async ValueTask<CacheResidency> GetResidencyAsync(CancellationToken cancellationToken)
    {
        var blocks = new BlockLayout(_node.Entry.BlockSizeBytes).CountFor(LengthBytes);
        if (blocks == 0)
        {
            return new CacheResidency(0, 0);
        }

        var connection = await _services.Router.FindAsync(Key, cancellationToken).ConfigureAwait(false);
        if (connection is not { PassesDescriptors: true })
        {
            return new CacheResidency(blocks, null);
        }

        var outcome = await connection.LeaseAsync(Key, cancellationToken).ConfigureAwait(false);
        if (outcome is not { Status: ReadStatus.Ok, Lease: { } lease })
        {
            return new CacheResidency(blocks, outcome.Status switch
            {
                ReadStatus.NotFound => 0,
                ReadStatus.NotSupported => blocks, // Packed: all or nothing.
                _ => null,
            });
        }

        using var file = new LeasedFile(lease);
        return new CacheResidency(blocks, file.CountResidentBlocks());
    }

    /// <summary>Presents the right to read, unless that was done on this connection.</summary>
    public async ValueTask<ReadStatus> PresentAsync(IBlockConnection connection, CancellationToken cancellationToken)
    {
        var status = ReferenceEquals(PresentedOn, connection)
            ? ReadStatus.Ok
            : await connection.PresentAsync(Capability, cancellationToken).ConfigureAwait(false);
        PresentedOn = status == ReadStatus.Ok ? connection : null;
        return status;
    }

    private static FetchOutcome Final(ReadStatus status, ReadDeadline deadline) =>
        new(status == ReadStatus.NotFound ? ReadStatus.StaleVersion : status, deadline.Effort);

    private static FetchOutcome Refused(SiloRefusesException refusal, ReadDeadline deadline) =>
        new(ReadStatus.AccessDenied, deadline.Effort with { Refusal = refusal.Message });

    private async ValueTask<FetchOutcome> WithinDeadlineAsync(
        Func<IBlockConnection, CancellationToken, ValueTask<ReadStatus>> attempt, CancellationToken cancellationToken)
    {
        using var deadline = _services.Deadlines.Begin(_services.Options.Deadline, cancellationToken);
        var last = ReadStatus.Ok;
        try
        {
            while (true)
            {
                var connection = await _services.Router.FindAsync(Key, deadline.Token).ConfigureAwait(false);
                last = connection is null
                    ? ReadStatus.Unavailable
                    : await attempt(connection, deadline.Token).ConfigureAwait(false);
                if (last == ReadStatus.Ok)
                {
                    return new FetchOutcome(last);
                }

                if (ReadDeadline.IsFinal(last))
                {
                    return Final(last, deadline);
                }

                await deadline.PauseAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (deadline.IsOver)
        {
            return new FetchOutcome(ReadDeadline.Outcome(last), deadline.Effort);
        }
        catch (SiloRefusesException refusal)
        {
            return Refused(refusal, deadline);
        }
    }

    private async ValueTask<ReadStatus> OpenOnceAsync(IBlockConnection connection, CancellationToken cancellationToken)
    {
        var presenting = connection.PresentAsync(Capability, cancellationToken).AsTask();
        var attempt = await TakeLeaseAsync(connection, null, isOpening: true, cancellationToken).ConfigureAwait(false);
        var presented = await presenting.ConfigureAwait(false);
        if (presented != ReadStatus.Ok)
        {
            return await RestoreRightsAsync(connection, presented, cancellationToken).ConfigureAwait(false);
        }

        PresentedOn = connection;
        if (attempt.Status == ReadStatus.CapabilityRequired)
        {
            // The server looked at the second request first.
            attempt = await TakeLeaseAsync(connection, null, isOpening: true, cancellationToken).ConfigureAwait(false);
        }

        _isCold = attempt.Status == ReadStatus.NotFound;
        return ReadStatus.Ok;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadOutcome> StepAsync(
        long offsetBytes, Memory<byte> destination, long wantedEnd, CancellationToken cancellationToken)
    {
        var connection = await _services.Router.FindAsync(Key, cancellationToken).ConfigureAwait(false);
        if (connection is null)
        {
            return new ReadOutcome(ReadStatus.Unavailable, 0, false);
        }

        // Nothing is cached, so there is nothing to lease: the first bytes, and small files whole, come as one answer.
        var isFirst = _isCold && destination.Length <= FirstReadBytesMax;
        if (connection.PassesDescriptors && !isFirst && !_isPacked)
        {
            var step = await StepByLeaseAsync(connection, offsetBytes, destination, wantedEnd, cancellationToken)
                .ConfigureAwait(false);
            if (step is { } done)
            {
                return done;
            }
        }

        var read = await connection.ReadAsync(Key, offsetBytes, destination, cancellationToken).ConfigureAwait(false);
        if (read.Status == ReadStatus.Ok)
        {
            _hasArrived |= isFirst;
            _isCold = false;
            return read.Bytes == destination.Length ? read : read with { Status = ReadStatus.Unavailable };
        }

        var status = await RestoreRightsAsync(connection, read.Status, cancellationToken).ConfigureAwait(false);
        return new ReadOutcome(status, 0, false);
    }

    /// <summary>Ensures and reads from the descriptor; null when the data plane must carry the bytes.</summary>
    private async ValueTask<ReadOutcome?> StepByLeaseAsync(
        IBlockConnection connection, long offsetBytes, Memory<byte> destination, long wantedEnd,
        CancellationToken cancellationToken)
    {
        var start = offsetBytes - (offsetBytes % LeasedFile.MinGranuleBytes);
        var end = Math.Min(
            LengthBytes, (wantedEnd + LeasedFile.MinGranuleBytes - 1) / LeasedFile.MinGranuleBytes * LeasedFile.MinGranuleBytes);
        while (true)
        {
            // Before the question: only a lease held all the while keeps what the answer says true.
            var held = _lease ?? await LeaseBeforeAsync(connection, cancellationToken).ConfigureAwait(false);
            if (_isPacked)
            {
                return null;
            }

            var ensured = await connection.EnsureAsync(Key, start, end - start, cancellationToken).ConfigureAwait(false);
            switch (ensured.Status)
            {
                case ReadStatus.Ok when ensured.AvailableBytes > 0:
                    break;
                case ReadStatus.Ok:
                    return new ReadOutcome(ReadStatus.Unavailable, 0, false); // Against the contract: try again, paced.
                case ReadStatus.Unavailable when connection.IsOpen:
                    return null; // The store is full or failed: the silo reads through.
                case ReadStatus.LeaseExpired when _lease is { } expired:
                    DropLease(expired);
                    return new ReadOutcome(ReadStatus.LeaseExpired, 0, false);
                default:
                    return new ReadOutcome(
                        await RestoreRightsAsync(connection, ensured.Status, cancellationToken).ConfigureAwait(false), 0, false);
            }

            (_isCold, _hasArrived) = (false, true);
            var seen = _lease;
            var lease = seen?.Generation == ensured.Generation
                ? seen
                : (await TakeLeaseAsync(connection, seen, isOpening: false, cancellationToken).ConfigureAwait(false)).Lease;
            if (lease is null || lease.Generation != ensured.Generation)
            {
                return null;
            }

            if (ReferenceEquals(lease, held))
            {
                lease.MarkResident(start, ensured.AvailableBytes);
            }

            var bytes = (int)Math.Min(destination.Length, start + ensured.AvailableBytes - offsetBytes);
            if (bytes <= 0)
            {
                start += ensured.AvailableBytes; // Cut-through stopped before our first byte.
                continue;
            }

            if (!ReferenceEquals(lease, held) && !lease.IsResident(offsetBytes, bytes))
            {
                // Still arriving, or punched before the lease was given: ask again, now under the lease.
                return new ReadOutcome(ReadStatus.LeaseExpired, 0, ensured.WasResident);
            }

            if (lease.TryRead(offsetBytes, destination.Span[..bytes]))
            {
                return new ReadOutcome(ReadStatus.Ok, bytes, ensured.WasResident);
            }

            DropLease(lease);
            return null;
        }
    }

    /// <summary>
    /// A lease before the question, for a file of which something has come: the answer then counts at once. Where there is
    /// none after all (a full store keeps nothing) the next answer must bring something first.
    /// </summary>
    private async ValueTask<LeasedFile?> LeaseBeforeAsync(IBlockConnection connection, CancellationToken cancellationToken)
    {
        if (!_hasArrived)
        {
            return null;
        }

        var attempt = await TakeLeaseAsync(connection, null, isOpening: false, cancellationToken).ConfigureAwait(false);
        _hasArrived = attempt.Status != ReadStatus.NotFound;
        return attempt.Lease;
    }

    /// <summary>Does what a refusal asks for. The status says whether another attempt can help.</summary>
    private async ValueTask<ReadStatus> RestoreRightsAsync(
        IBlockConnection connection, ReadStatus status, CancellationToken cancellationToken)
    {
        if (status == ReadStatus.CapabilityRequired)
        {
            PresentedOn = null;
            status = await PresentAsync(connection, cancellationToken).ConfigureAwait(false);
            if (status == ReadStatus.Ok)
            {
                return ReadStatus.CapabilityRequired; // Done: the same request now, at once.
            }
        }

        if (status != ReadStatus.CapabilityRefused)
        {
            return status;
        }

        var renewed = await SynchronousCaller.Here(_services.Rights.RenewAsync(_node, cancellationToken).AsTask(), cancellationToken)
            .ConfigureAwait(false);
        if (renewed.Status is ReadStatus.NotFound or ReadStatus.NotADirectory or ReadStatus.StaleVersion
            || (renewed.Node is { } other && other.Entry.Key != Key))
        {
            return ReadStatus.StaleVersion;
        }

        if (renewed.Node is not { } node)
        {
            return renewed.Status;
        }

        _node = node;
        PresentedOn = null;
        status = await PresentAsync(connection, cancellationToken).ConfigureAwait(false);
        return status == ReadStatus.Ok ? ReadStatus.CapabilityRequired : status;
    }
}
