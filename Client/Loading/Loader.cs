using System.Threading.Channels;
using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Reading;

namespace OrleansCache.Loading;

/// <summary>
/// Makes a tree resident: one walker finds files, a few workers have the silo fetch them. The bytes do not come here.
/// Links are not followed: what they point to is loaded where it lies.
/// </summary>
internal sealed class Loader(
    NamespaceView names, FileOpener files, LoadOptions options, TimeProvider time, IProgress<LoadProgress>? progress)
{
    // Found and not yet taken: the walk is much faster than the loading and must not fill the memory.
    private const int MaxWaiting = 1024;

    private readonly Lock _gate = new();
    private readonly List<CacheClientException> _failures = [];
    private readonly Channel<NodeEntry> _found = Channel.CreateBounded<NodeEntry>(
        new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.Wait, SingleWriter = true });

    private LoadProgress _progress = new();

    /// <summary>Loads what is at and below a node.</summary>
    public async Task<LoadResult> RunAsync(NodeEntry root, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var tasks = new List<Task> { StopOnErrorAsync(WalkAsync(root, stop.Token), stop) };
        for (var i = 0; i < options.Parallelism; i++)
        {
            tasks.Add(StopOnErrorAsync(WorkAsync(stop.Token), stop));
        }

        await Task.WhenAll(tasks).ConfigureAwait(false);
        return new LoadResult(root.Path, _progress, _failures, time.GetElapsedTime(started));
    }

    private static async Task StopOnErrorAsync(Task work, CancellationTokenSource stop)
    {
        try
        {
            await work.ConfigureAwait(false);
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task WalkAsync(NodeEntry root, CancellationToken cancellationToken)
    {
        var directories = new Stack<NodeEntry>();
        await VisitAsync(root, directories, cancellationToken).ConfigureAwait(false);
        while (directories.TryPop(out var directory))
        {
            string? after = null;
            while (true)
            {
                var page = await names.ListAsync(directory, after, cancellationToken).ConfigureAwait(false);
                if (page.Status != ReadStatus.Ok)
                {
                    Fail(CacheClientException.From(page.Status, directory.Path, "listing", cause: page.Cause));
                    break;
                }

                foreach (var node in page.Nodes)
                {
                    await VisitAsync(node, directories, cancellationToken).ConfigureAwait(false);
                }

                if (page.IsLast)
                {
                    break;
                }

                after = page.Next;
            }
        }

        _found.Writer.Complete();
        Update(now => now with { IsWalkDone = true });
    }

    private async ValueTask VisitAsync(NodeEntry node, Stack<NodeEntry> directories, CancellationToken cancellationToken)
    {
        if (node.Kind == FileKind.Directory)
        {
            directories.Push(node);
        }
        else if (node.Kind == FileKind.File)
        {
            Update(now => now with { FilesFound = now.FilesFound + 1, BytesFound = now.BytesFound + node.LengthBytes });
            await _found.Writer.WriteAsync(node, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        await foreach (var node in _found.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            var (status, effort) = await LoadAsync(node, cancellationToken).ConfigureAwait(false);
            CacheClientException? cause = null;
            if (status == ReadStatus.StaleVersion)
            {
                // Replaced since the listing: once more with what is there now.
                var renewed = await names.RenewAsync(node, cancellationToken).ConfigureAwait(false);
                cause = renewed.Cause;
                (status, effort) = renewed.Node is { Kind: FileKind.File } now
                    ? await LoadAsync(now, cancellationToken).ConfigureAwait(false)
                    : new FetchOutcome(renewed.Status);
            }

            // A file that was removed meanwhile needs no loading.
            if (status is not (ReadStatus.Ok or ReadStatus.NotFound))
            {
                Fail(CacheClientException.From(status, node.Path, "loading", effort, cause));
            }

            Update(static now => now with { FilesDone = now.FilesDone + 1 });
        }
    }

    private async ValueTask<FetchOutcome> LoadAsync(NodeEntry node, CancellationToken cancellationToken)
    {
        var outcome = await files.OpenAsync(node, cancellationToken).ConfigureAwait(false);
        if (outcome.Reader is not FileReader reader)
        {
            return new FetchOutcome(outcome.Status, outcome.Effort);
        }

        using (reader)
        {
            if (reader.File.Lease is { IsComplete: true })
            {
                OnBytes(reader.LengthBytes, wasFetched: false);
                return new FetchOutcome(ReadStatus.Ok);
            }

            return await reader.File.LoadAsync(OnBytes, cancellationToken).ConfigureAwait(false);
        }
    }

    private void OnBytes(long bytes, bool wasFetched) => Update(now => now with
    {
        BytesDone = now.BytesDone + bytes,
        BytesFetched = now.BytesFetched + (wasFetched ? bytes : 0),
    });

    private void Fail(CacheClientException failure)
    {
        lock (_gate)
        {
            if (_failures.Count < LoadResult.MaxFailures)
            {
                _failures.Add(failure);
            }
        }

        Update(static now => now with { FilesFailed = now.FilesFailed + 1 });
    }

    private void Update(Func<LoadProgress, LoadProgress> change)
    {
        LoadProgress now;
        lock (_gate)
        {
            now = _progress = change(_progress);
        }

        progress?.Report(now);
    }
}
