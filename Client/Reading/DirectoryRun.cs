using System.Text.Json;
using Microsoft.Extensions.Logging;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Routing;

namespace OrleansCache.Reading;

/// <summary>
/// Fetches one directory's small files in the order of a list, a bounded number and a bounded sum ahead of who opens them. Ends with
/// the list, with nobody opening there any more, or with the first sign that it does harm: stale files, a full tier, all cached
/// already. Never throws. Thread-safe.
/// </summary>
internal sealed partial class DirectoryRun(
    IBlockRouter router, ReadaheadBudget budget, DirectoryPrefetchOptions options, TimeProvider time, ILogger logger) : IDisposable
{
    // How often a run that may not go on looks whether it may: short beside a training step, long beside a look.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private const int FilesPerLookAtTier = 512;

    private readonly Lock _gate = new();
    private readonly Dictionary<FileKey, long> _ahead = [];
    private readonly HashSet<FileKey> _opened = [];
    private readonly SemaphoreSlim _slots = new(options.InFlightMax);
    private long _aheadBytes;
    private long _lastOpen = time.GetTimestamp();
    private int _residentInARow;
    private volatile string? _stopped;

    /// <summary>Why it ended early; null when it did not.</summary>
    public string? Stopped => _stopped;

    /// <summary>Somebody opened a file there: what was fetched for that is used.</summary>
    public void OnOpened(FileKey key)
    {
        lock (_gate)
        {
            _lastOpen = time.GetTimestamp();
            if (_opened.Count < 2 * options.FilesMax)
            {
                _opened.Add(key);
            }

            if (_ahead.Remove(key, out var bytes))
            {
                _aheadBytes -= bytes;
                budget.Return(bytes);
            }
        }
    }

    /// <summary>Fetches until one of the ends; once.</summary>
    public async Task RunAsync(IReadOnlyList<NodeEntry> files, CancellationToken cancellationToken)
    {
        try
        {
            for (var i = 0; i < files.Count && _stopped is null; i++)
            {
                if (i % FilesPerLookAtTier == 0 && await IsTierFullAsync(files[i], cancellationToken).ConfigureAwait(false))
                {
                    _stopped = "the tier is nearly full";
                    break;
                }

                if (await WaitForRoomAsync(files[i], cancellationToken).ConfigureAwait(false))
                {
                    // A slot is taken last: from here on FetchAsync gives it back, whatever happens.
                    await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
                    _ = FetchAsync(files[i], cancellationToken);
                }
            }

            while (_stopped is null && !IsIdle() && HasAhead())
            {
                await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _stopped = "the client closes";
        }
        finally
        {
            for (var slot = 0; slot < options.InFlightMax; slot++)
            {
                await _slots.WaitAsync(CancellationToken.None).ConfigureAwait(false); // Connections have deadlines.
            }

            GiveBack();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _slots.Dispose();

    /// <summary>Room for one more; false when it is not to be fetched, with the reason in <see cref="Stopped"/> if none is.</summary>
    private async ValueTask<bool> WaitForRoomAsync(NodeEntry file, CancellationToken cancellationToken)
    {
        while (_stopped is null)
        {
            if (IsIdle())
            {
                _stopped = "nobody opens files there any more";
                break;
            }

            lock (_gate)
            {
                if (_opened.Contains(file.Entry.Key) || _ahead.ContainsKey(file.Entry.Key))
                {
                    return false;
                }

                var hasRoom = _aheadBytes == 0 || _aheadBytes + file.LengthBytes <= options.AheadBytesMax;
                if (hasRoom && budget.TryReserve(file.LengthBytes))
                {
                    _ahead.Add(file.Entry.Key, file.LengthBytes);
                    _aheadBytes += file.LengthBytes;
                    budget.CountAsked(file.LengthBytes);
                    return true;
                }
            }

            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
        }

        return false;
    }

    private async Task FetchAsync(NodeEntry file, CancellationToken cancellationToken)
    {
        try
        {
            var connection = await router.FindAsync(file.Entry.Key, cancellationToken).ConfigureAwait(false);
            if (connection is null)
            {
                _stopped = "no silo";
                return;
            }

            var outcome = await FetchOverAsync(connection, file, cancellationToken).ConfigureAwait(false);
            if (outcome.Status != ReadStatus.Ok)
            {
                _stopped = $"{file.Path}: {outcome.Status}";
            }
            else if (!outcome.WasResident)
            {
                Volatile.Write(ref _residentInARow, 0);
            }
            else if (Interlocked.Increment(ref _residentInARow) >= options.ResidentInARowMax)
            {
                _stopped = "the files are cached";
            }
        }
        catch (Exception error)
        {
            _stopped = $"{file.Path}: {error.Message}"; // Logged with the end of the run.
        }
        finally
        {
            _slots.Release();
        }
    }

    private static async ValueTask<DataPlane.ResidencyOutcome> FetchOverAsync(
        IBlockConnection connection, NodeEntry file, CancellationToken cancellationToken)
    {
        var key = file.Entry.Key;
        var status = await connection.PresentAsync(SharedFile.CapabilityOf(file), cancellationToken).ConfigureAwait(false);
        if (status != ReadStatus.Ok)
        {
            return new DataPlane.ResidencyOutcome(status, 0, 0, false);
        }

        // As a prefetch, behind what readers wait for; the question after it only joins, and tells when the next may go.
        await connection.PrefetchAsync(key, 0, file.LengthBytes, cancellationToken).ConfigureAwait(false);
        return await connection.EnsureAsync(key, 0, file.LengthBytes, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<bool> IsTierFullAsync(NodeEntry file, CancellationToken cancellationToken)
    {
        try
        {
            var connection = await router.FindAsync(file.Entry.Key, cancellationToken).ConfigureAwait(false);
            var status = connection is null ? default : await connection.GetStatusAsync(cancellationToken).ConfigureAwait(false);
            return status.Status == ReadStatus.Ok && status.Json is { Length: > 0 } json && IsTierFull(json, options.TierPercentMax);
        }
        catch (Exception error) when (error is JsonException or IOException or ObjectDisposedException)
        {
            LogNoStatus(logger, error.Message);
            return false;
        }
    }

    /// <summary>Whether every tier in a silo's status is fuller than so many percent.</summary>
    internal static bool IsTierFull(ReadOnlyMemory<byte> json, int percent)
    {
        using var status = JsonDocument.Parse(json);
        if (!status.RootElement.TryGetProperty("tiers", out var tiers) || tiers.GetArrayLength() == 0)
        {
            return false;
        }

        return tiers.EnumerateArray().All(tier =>
            tier.GetProperty("used_bytes").GetInt64() > tier.GetProperty("capacity_bytes").GetInt64() / 100 * percent);
    }

    private bool IsIdle()
    {
        lock (_gate)
        {
            return time.GetElapsedTime(_lastOpen) > options.Patience;
        }
    }

    private bool HasAhead()
    {
        lock (_gate)
        {
            return _ahead.Count > 0;
        }
    }

    private void GiveBack()
    {
        lock (_gate)
        {
            budget.Return(_aheadBytes);
            budget.CountUnread(_aheadBytes);
            _aheadBytes = 0;
            _ahead.Clear();
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "a directory is prefetched without knowing how full the tier is: {Error}")]
    private static partial void LogNoStatus(ILogger logger, string error);
}
