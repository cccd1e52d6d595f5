using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Server;

/// <summary>
/// Reads and ensures. A read is served in pieces: what is resident goes out pinned, what is not is waited for, and what the
/// store cannot take is read past it. Every piece but the last is marked <see cref="FrameFlags.More"/>, so a cold read holds
/// neither the connection nor the bytes that have arrived already.
/// </summary>
internal sealed partial class ServerConnection
{
    // A range that is evicted between Ensure and Pin this often is read past the store: eviction is thrashing.
    private const int MaxLostRaces = 3;

    // One buffer of a read past the store: large enough for the under storage, small enough to bound memory.
    private const int ReadThroughPieceBytes = 1 << 20;

    /// <summary>Goes on with a request as far as it gets without waiting.</summary>
    private void Advance(ServerRequest request)
    {
        while (true)
        {
            ValueTask<ResidencyOutcome> ensuring;
            ResidencyOutcome outcome;
            try
            {
                ensuring = request.WasResident
                    ? _context.Service.EnsureAsync(request.Key, request.OffsetBytes, request.RemainingBytes, request.Token)
                    : _context.Service.EnsureMoreAsync(
                        request.Key, request.OffsetBytes, request.RemainingBytes, request.Token);
                if (!ensuring.IsCompleted)
                {
                    BeginWait(request);
                    _ = AwaitEnsuredAsync(request, ensuring);
                    return;
                }

                outcome = ensuring.Result;
            }
            catch (Exception exception)
            {
                outcome = new ResidencyOutcome(StatusOf(request, exception), 0, 0, false);
            }

            if (!Take(request, outcome))
            {
                return;
            }
        }
    }

    /// <summary>Goes on with a request that has waited.</summary>
    private void Resume(ServerRequest request)
    {
        if (request.IsReadThrough)
        {
            request.IsReadThrough = false;
            if (!SendReadThrough(request))
            {
                return;
            }
        }
        else if (!Take(request, request.Outcome))
        {
            return;
        }

        Advance(request);
    }

    /// <summary>Uses what ensuring brought; true when there is more to ensure.</summary>
    private bool Take(ServerRequest request, in ResidencyOutcome outcome)
    {
        request.WasResident &= outcome.WasResident;
        if (request.Type == FrameType.Ensure)
        {
            AnswerEnsure(request, outcome);
            return false;
        }

        if (outcome.Status == ReadStatus.Unavailable)
        {
            BeginReadThrough(request);
            return false;
        }

        if (outcome.Status != ReadStatus.Ok || outcome.AvailableBytes <= 0)
        {
            return Finish(request, outcome.Status == ReadStatus.Ok ? ReadStatus.Unavailable : outcome.Status);
        }

        return SendResident(request, (int)Math.Min(outcome.AvailableBytes, request.RemainingBytes));
    }

    /// <summary>Sends a resident piece; true when there is more to ensure.</summary>
    private bool SendResident(ServerRequest request, int bytes)
    {
        PinnedRange pin;
        ReadStatus status;
        try
        {
            status = _context.Service.TryPin(request.Key, request.OffsetBytes, bytes, out pin);
        }
        catch (Exception exception)
        {
            return Finish(request, StatusOf(request, exception));
        }

        if (status == ReadStatus.NotFound)
        {
            request.LostRaces++;
            if (request.LostRaces < MaxLostRaces)
            {
                return true;
            }

            BeginReadThrough(request);
            return false;
        }

        if (status != ReadStatus.Ok)
        {
            return Finish(request, status);
        }

        using (pin)
        {
            status = SendPinned(request, pin, bytes);
        }

        return status == ReadStatus.Ok ? AfterPiece(request, bytes) : Finish(request, status);
    }

    /// <summary>Counts a piece that was sent; true when the request is owed more.</summary>
    private bool AfterPiece(ServerRequest request, int bytes)
    {
        request.Advance(bytes);
        if (request.RemainingBytes > 0)
        {
            return true;
        }

        if (request.Batch is { HasNext: true })
        {
            return BeginNextRange(request);
        }

        Return(request);
        return false;
    }

    private void BeginReadThrough(ServerRequest request)
    {
        request.WasResident = false;
        request.IsReadThrough = true;
        BeginWait(request);
        _ = AwaitReadThroughAsync(request);
    }

    private bool SendReadThrough(ServerRequest request)
    {
        if (request.Outcome.Status != ReadStatus.Ok)
        {
            request.ReturnBuffer();
            return Finish(request, request.Outcome.Status);
        }

        var bytes = request.Bytes.Length;
        _context.Metrics.OnReadThrough(bytes);
        var sent = SendPiece(request, request.Bytes.Span);
        request.ReturnBuffer();
        return sent ? AfterPiece(request, bytes) : Finish(request, ReadStatus.Unavailable);
    }

    private async Task AwaitEnsuredAsync(ServerRequest request, ValueTask<ResidencyOutcome> ensuring)
    {
        try
        {
            request.Outcome = await ensuring.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            request.Outcome = new ResidencyOutcome(StatusOf(request, exception), 0, 0, false);
        }

        Post(request);
    }

    private async Task AwaitReadThroughAsync(ServerRequest request)
    {
        ReadStatus status;
        try
        {
            await _context.ReadThroughBudget.WaitAsync(request.Token).ConfigureAwait(false);
            var bytes = (int)Math.Min(ReadThroughPieceBytes, request.RemainingBytes);
            var buffer = request.TakeBuffer(_context.ReadThroughBudget, bytes);
            status = await _context.Service.ReadThroughAsync(request.Key, request.OffsetBytes, buffer, request.Token)
                .ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            status = StatusOf(request, exception);
        }

        request.Outcome = new ResidencyOutcome(status, 0, 0, false);
        Post(request);
    }

    /// <summary>The one place where a failure inside the silo is decided on: cancelled and late is a status, the rest is a fault.</summary>
    private ReadStatus StatusOf(ServerRequest request, Exception exception)
    {
        if (exception is OperationCanceledException && request.Token.IsCancellationRequested)
        {
            return ReadStatus.DeadlineExceeded;
        }

        return Fault(request.Type, "the silo threw", exception);
    }

    private ReadStatus Fault(FrameType type, string what, Exception? exception)
    {
        _context.Metrics.OnServiceFailure();
        _context.Log.ServiceFailed(type, what, exception);
        return ReadStatus.Unavailable;
    }
}
