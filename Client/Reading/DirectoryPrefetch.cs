using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Routing;

namespace OrleansCache.Reading;

/// <summary>
/// Watches which small files are read cold. When several of one directory are within seconds, the ones that follow them in its
/// listing are fetched ahead: from the last one on when they were read in listing order, else the directory from its start. Only
/// a listing whose lease lives is used: nothing is listed for this. Thread-safe; costs an open nothing while no directory is
/// being prefetched.
/// </summary>
internal sealed partial class DirectoryPrefetch(
    IListedDirectories names, IBlockRouter router, ReadaheadBudget budget, DirectoryPrefetchOptions options, TimeProvider time,
    ILogger logger) : IAsyncDisposable
{
    // Files read in listing order by several threads: places this near each other, none far behind the others.
    private const int OrderSpan = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Watched> _directories = new(StringComparer.Ordinal);
    private readonly HashSet<Task> _running = [];
    private readonly CancellationTokenSource _stop = new();
    private int _runs;

    /// <summary>Directories being prefetched now.</summary>
    public int Runs => Volatile.Read(ref _runs);

    /// <summary>A file was opened, cold or not.</summary>
    public void OnOpened(NodeEntry file)
    {
        if (Runs == 0 || file.LengthBytes > options.FileBytesMax)
        {
            return;
        }

        DirectoryRun? run;
        lock (_gate)
        {
            run = _directories.TryGetValue(NamespacePath.ParentOf(file.Path), out var watched) ? watched.Run : null;
        }

        run?.OnOpened(file.Entry.Key);
    }

    /// <summary>A read of a file had to wait for the under storage.</summary>
    public void OnColdRead(NodeEntry file)
    {
        if (!options.IsOn || file.LengthBytes > options.FileBytesMax)
        {
            return;
        }

        var path = NamespacePath.ParentOf(file.Path);
        var now = time.GetTimestamp();
        lock (_gate)
        {
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            var watched = Find(path, now);
            watched.LastUsed = now;
            if (watched.Run is { } run)
            {
                run.OnOpened(file.Entry.Key);
            }
            else if (watched.Note(file.Entry.Name, now, options, time) && _running.Count < Math.Max(1, options.DirectoriesMax / 4))
            {
                Begin(watched, file);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        Task[] running;
        lock (_gate)
        {
            running = [.. _running];
        }

        await Task.WhenAll(running).ConfigureAwait(false);
        _stop.Dispose();
    }

    private Watched Find(string path, long now)
    {
        if (_directories.TryGetValue(path, out var watched))
        {
            return watched;
        }

        if (_directories.Count >= options.DirectoriesMax)
        {
            var oldest = _directories.Where(pair => pair.Value.Run is null).MinBy(pair => pair.Value.LastUsed).Key;
            _directories.Remove(oldest ?? path);
        }

        watched = new Watched { LastUsed = now };
        _directories.Add(path, watched);
        return watched;
    }

    private void Begin(Watched watched, NodeEntry last)
    {
        if (names.DirectoryOf(last) is not { } directory)
        {
            return;
        }

        var read = watched.TakeNames();
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var run = new DirectoryRun(router, budget, options, time, logger);
        watched.Run = run;
        var task = RunAsync(watched, run, directory, read, start.Task);
        _running.Add(task);
        Interlocked.Increment(ref _runs);
        _ = task.ContinueWith(
            done =>
            {
                lock (_gate)
                {
                    _running.Remove(done);
                }
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        start.SetResult();
    }

    private async Task RunAsync(Watched watched, DirectoryRun run, NodeEntry directory, string[] read, Task started)
    {
        await started.ConfigureAwait(false); // The caller holds the lock, and reads a file.
        try
        {
            var files = Choose(directory, read);
            LogBegins(logger, directory.Path, files.Count);
            await run.RunAsync(files, _stop.Token).ConfigureAwait(false);
            LogEnds(logger, directory.Path, run.Stopped ?? "all asked for");
        }
        catch (Exception error)
        {
            LogBroken(logger, error, directory.Path);
        }
        finally
        {
            lock (_gate)
            {
                watched.Run = null;
            }

            Interlocked.Decrement(ref _runs); // Last: who sees no runs may begin one.
            run.Dispose();
        }
    }

    /// <summary>What to fetch, by what the leased pages say of where the files just read are.</summary>
    private List<NodeEntry> Choose(NodeEntry directory, string[] read)
    {
        var small = new List<NodeEntry>();
        var places = new int[read.Length];
        Array.Fill(places, -1);
        string? after = null;
        for (var page = 0; page < options.PagesMax && names.TryGetPage(directory, after, out var listed); page++)
        {
            foreach (var node in listed.Nodes)
            {
                if (Array.IndexOf(read, node.Entry.Name) is >= 0 and var which)
                {
                    places[which] = small.Count;
                }

                if (node.Kind == FileKind.File && node.LengthBytes > 0 && node.LengthBytes <= options.FileBytesMax)
                {
                    small.Add(node);
                }
            }

            // In order, from the last one on: no more than a run may take need be looked at.
            if (listed.IsLast || (places.Min() >= 0 && small.Count - places.Max() > options.FilesMax))
            {
                break;
            }

            after = listed.Next;
        }

        if (places.Min() < 0)
        {
            return []; // Not in the listing as far as it is known here.
        }

        var isInOrder = places.Max() - places.Min() < OrderSpan && places[^1] >= places[0];
        var from = isInOrder ? places.Max() + 1 : 0;
        return small.GetRange(from, Math.Min(options.FilesMax, small.Count - from));
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Directory}: fetching up to {Count} small files ahead")]
    private static partial void LogBegins(ILogger logger, string directory, int count);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Directory}: no more small files ahead: {Reason}")]
    private static partial void LogEnds(ILogger logger, string directory, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Directory}: fetching small files ahead broke")]
    private static partial void LogBroken(ILogger logger, Exception error, string directory);

    /// <summary>What was seen of one directory. Guarded by the lock of its owner.</summary>
    private sealed class Watched
    {
        private readonly List<(string Name, long At)> _cold = [];

        public long LastUsed { get; set; }

        public DirectoryRun? Run { get; set; }

        /// <summary>Notes a cold read; true when there were enough of different files.</summary>
        public bool Note(string name, long now, DirectoryPrefetchOptions options, TimeProvider time)
        {
            _cold.RemoveAll(one => one.Name == name || time.GetElapsedTime(one.At, now) > options.Patience);
            _cold.Add((name, now));
            return _cold.Count >= options.ColdReadsToBegin;
        }

        /// <summary>Begins to count anew.</summary>
        public string[] TakeNames()
        {
            string[] names = [.. _cold.Select(one => one.Name)];
            _cold.Clear();
            return names;
        }
    }
}
