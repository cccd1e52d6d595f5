using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Reading;
using OrleansCache.Routing;

namespace OrleansCache.Usage;

/// <summary>
/// Tells silos once a second which reads they could not see: hits of their statistics and recency of their eviction depend on
/// it. What cannot be told now is told later, except for files that were closed meanwhile beyond a bound: then it is lost and
/// counted. One loop; readers only count.
/// </summary>
internal sealed partial class UsageReporter(
    LeaseTable files, IBlockRouter router, TimeSpan interval, TimeProvider time, ILogger<UsageReporter> logger)
    : IAsyncDisposable
{
    /// <summary>Reports a request may carry.</summary>
    public const int MaxBatch = 256;

    // Closed files whose reads are not yet told: a second of opens and closes at the rate one mount can make.
    private const int MaxClosed = 8192;

    private static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(2);

    private readonly ConcurrentQueue<(ReadCapability Capability, UsageReport Report)> _closed = new();
    private readonly CancellationTokenSource _stop = new();
    private Task? _loop;
    private long _lost;

    /// <summary>Reads that were never told.</summary>
    public long LostReads => Interlocked.Read(ref _lost);

    /// <summary>Starts the loop.</summary>
    public void Start() => _loop = RunAsync();

    /// <summary>A file leaves the table: keeps what it has not told.</summary>
    public void OnRemoved(SharedFile file)
    {
        var usage = file.TakeUsage();
        if (usage.Reads == 0)
        {
            return;
        }

        if (_closed.Count >= MaxClosed)
        {
            Interlocked.Add(ref _lost, usage.Reads);
            return;
        }

        _closed.Enqueue((file.Capability, usage));
    }

    /// <summary>Tells what there is to tell.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        var batch = new List<Pending>(MaxBatch);
        for (var left = _closed.Count; left > 0 && _closed.TryDequeue(out var closed); left--)
        {
            await AddAsync(batch, new Pending(null, closed.Capability, closed.Report), cancellationToken).ConfigureAwait(false);
        }

        foreach (var file in files.Snapshot())
        {
            var usage = file.TakeUsage();
            if (usage.Reads > 0)
            {
                await AddAsync(batch, new Pending(file, file.Capability, usage), cancellationToken).ConfigureAwait(false);
            }
        }

        await SendAsync(batch, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_loop is not null)
        {
            await _loop.ConfigureAwait(false);
        }

        using (var last = new CancellationTokenSource(SendTimeout, time))
        {
            await FlushAsync(last.Token).ConfigureAwait(false);
        }

        if (LostReads > 0)
        {
            LogLost(LostReads);
        }

        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                await FlushAsync(_stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Dispose stops the loop and makes the last report itself.
        }
    }

    private async ValueTask AddAsync(List<Pending> batch, Pending pending, CancellationToken cancellationToken)
    {
        batch.Add(pending);
        if (batch.Count == MaxBatch)
        {
            await SendAsync(batch, cancellationToken).ConfigureAwait(false);
            batch.Clear();
        }
    }

    // One silo for all keys now; with the ring a batch is made for each silo.
    private async ValueTask SendAsync(List<Pending> batch, CancellationToken cancellationToken)
    {
        if (batch.Count == 0)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(SendTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var status = ReadStatus.Unavailable;
        try
        {
            var connection = await router.FindAsync(batch[0].Report.Key, both.Token).ConfigureAwait(false);
            if (connection is not null)
            {
                status = await ReportAsync(connection, batch, both.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            status = ReadStatus.DeadlineExceeded;
        }
        catch (SiloRefusesException)
        {
            status = ReadStatus.AccessDenied; // The router has logged why.
        }

        if (status != ReadStatus.Ok)
        {
            LogNotTold(batch.Count, status);
            PutBack(batch);
        }
    }

    private static async ValueTask<ReadStatus> ReportAsync(
        IBlockConnection connection, List<Pending> batch, CancellationToken cancellationToken)
    {
        // A report is advice without an answer, and about a key the silo does not know it is nothing: the silo may have been
        // restarted since the file was opened, so the right to read is presented where this connection has not seen it.
        var reports = new UsageReport[batch.Count];
        for (var i = 0; i < reports.Length; i++)
        {
            reports[i] = batch[i].Report;
            var presented = batch[i].File is { } file
                ? await file.PresentAsync(connection, cancellationToken).ConfigureAwait(false)
                : await connection.PresentAsync(batch[i].Capability, cancellationToken).ConfigureAwait(false);
            if (presented is ReadStatus.Unavailable or ReadStatus.DeadlineExceeded)
            {
                return presented;
            }
        }

        return await connection.ReportAsync(reports, cancellationToken).ConfigureAwait(false);
    }

    private void PutBack(List<Pending> batch)
    {
        foreach (var pending in batch)
        {
            if (pending.File is { } file)
            {
                file.PutBackUsage(pending.Report);
            }
            else if (_closed.Count < MaxClosed)
            {
                _closed.Enqueue((pending.Capability, pending.Report));
            }
            else
            {
                Interlocked.Add(ref _lost, pending.Report.Reads);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "usage of {Files} files not told yet: {Status}")]
    private partial void LogNotTold(int files, ReadStatus status);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reads} reads were never told to the silo: its hit ratio is too low by them")]
    private partial void LogLost(long reads);

    private sealed record Pending(SharedFile? File, ReadCapability Capability, UsageReport Report);
}
