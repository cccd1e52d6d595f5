using Microsoft.Extensions.Logging;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;

namespace OrleansCache.Reading;

/// <summary>What is asked for ahead of need. What goes wrong here will go wrong again, and be said, when the range is needed.</summary>
internal sealed partial class SharedFile
{
    private void Refill(long offsetBytes, int lengthBytes)
    {
        if (_readahead.TryRefill(offsetBytes, lengthBytes, out var plan))
        {
            StartPrefetch(plan);
        }
    }

    private void StartPrefetch(in Readahead.Plan plan)
    {
        var (from, end) = (plan.PrefetchFrom, plan.PrefetchFrom + plan.PrefetchLength);
        if (_lease is { } lease)
        {
            // What is known to be there needs no request: a file that is nearly whole is read without any.
            var block = lease.BlockSizeBytes;
            while (from < end && lease.IsResident(from, Math.Min(block - (from % block), end - from)))
            {
                from += Math.Min(block - (from % block), end - from);
            }
        }

        if (from < end)
        {
            using var ownWay = SynchronousCaller.Suspend();
            _ = PrefetchAsync(from, end - from);
        }
    }

    // Nobody waits for it, so it has no caller's token: finding a silo has deadlines of its own, and the request no answer.
    private async Task PrefetchAsync(long offsetBytes, long lengthBytes)
    {
        try
        {
            var connection = await _services.Router.FindAsync(Key, CancellationToken.None).ConfigureAwait(false);
            if (connection is not null)
            {
                await connection.PrefetchAsync(Key, offsetBytes, lengthBytes, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or ObjectDisposedException)
        {
            LogNoPrefetch(_services.Logger, Key, error.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Key}: no readahead: {Error}")]
    private static partial void LogNoPrefetch(ILogger logger, FileKey key, string error);
}
