using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Fuse.Session;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// Tells the kernel what is not current any more, before the leases it was given end. Works beside the requests: nothing that
/// serves one waits for it, it holds no lock while it waits, and the kernel is written to by the session's notify thread alone
/// (the kernel lets that one wait for lookups under way in the directory). A burst is one round; a round walks all nodes.
/// </summary>
/// <remarks>
/// An answer begun before a change and sent after it would bring the old state back into the kernel: whoever answers takes
/// <see cref="Stamp"/> before asking and gives no lease when it has moved by then. What was sent just before is caught by
/// <see cref="Settling"/>. What slips through all the same is over when its lease is.
/// </remarks>
internal sealed partial class KernelExpiry(
    NodeTable nodes, AbsentNames absent, LeaseClock clock, FileSystemCounters counters, TimeProvider time, ILogger logger)
{
    /// <summary>More changes at a time are taken for "anything".</summary>
    private const int PendingMax = 4096;

    /// <summary>Programs that were just answered get this long to take the answer in before it is taken back.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(5);

    /// <summary>Longest pause between two rounds; a round that took longer waited for the kernel.</summary>
    private static readonly TimeSpan PauseMax = TimeSpan.FromMilliseconds(500);

    /// <summary>A notify queue that takes nothing for this long: the kernel is busy with something else, leases end by themselves.</summary>
    private static readonly TimeSpan RefusedMax = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }); // One word is enough: look.
    private List<NamespaceChange> _pending = [];
    private long _stamp;
    private volatile bool _isStopped;

    /// <summary>Moves with every change heard of.</summary>
    public long Stamp => Volatile.Read(ref _stamp);

    /// <summary>Takes changes in. Returns at once.</summary>
    public void OnChanged(ImmutableArray<NamespaceChange> changes)
    {
        Interlocked.Increment(ref _stamp);
        lock (_lock)
        {
            if (_pending.Count + changes.Length > PendingMax)
            {
                _pending = [NamespaceChange.Below(NamespacePath.Root)];
            }
            else
            {
                _pending.AddRange(changes);
            }
        }

        _news.Writer.TryWrite(true);
    }

    /// <summary>Serves until <see cref="Stop"/>.</summary>
    public async Task RunAsync(IFuseConnection connection)
    {
        try
        {
            await foreach (var _ in _news.Reader.ReadAllAsync().ConfigureAwait(false))
            {
                await Task.Delay(Settling, time).ConfigureAwait(false);
                var started = time.GetTimestamp();
                await TellAsync(Take(), connection).ConfigureAwait(false);

                // However fast changes come, walks over a million nodes take a fifth of one core at most.
                var pause = time.GetElapsedTime(started) * 4;
                await Task.Delay(pause < PauseMax ? pause : PauseMax, time).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            LogFailed(exception);
        }
    }

    /// <summary>Ends it; what is not told ends with its lease.</summary>
    public void Stop()
    {
        _isStopped = true;
        _news.Writer.TryComplete();
    }

    private List<NamespaceChange> Take()
    {
        lock (_lock)
        {
            var taken = _pending;
            _pending = [];
            return taken;
        }
    }

    private async ValueTask TellAsync(List<NamespaceChange> changes, IFuseConnection connection)
    {
        var changed = new ChangedDirectories(changes, nodes);
        for (var slot = 1; slot < nodes.SlotsUsed; slot++)
        {
            if (nodes.AtSlot(slot) is not { } node)
            {
                continue;
            }

            if (node.Kind == FileKind.Directory && !await TellNamedAsync(node, changed.In(node), connection).ConfigureAwait(false))
            {
                return;
            }

            // A node changes its place rarely: the unlocked look keeps the walk short. The root is its own.
            if (changed.In(Volatile.Read(ref node.Parent) ?? node) is { } inParent
                && !await TellNodeAsync(node, inParent, connection).ConfigureAwait(false))
            {
                return;
            }
        }

        foreach (var (directory, name) in absent.Live(clock))
        {
            if (changed.In(directory) is { IsAny: true }
                && !await QueueAsync(connection, directory.Id, name).ConfigureAwait(false))
            {
                return;
            }
        }
    }

    // By name, whether or not there is a node: the kernel may know it as absent, or under another of its links.
    private async ValueTask<bool> TellNamedAsync(FileNode directory, ChangedNames? changed, IFuseConnection connection)
    {
        foreach (var name in changed?.Named ?? [])
        {
            if (!await QueueAsync(connection, directory.Id, name).ConfigureAwait(false))
            {
                return false;
            }
        }

        return true;
    }

    private async ValueTask<bool> TellNodeAsync(FileNode node, ChangedNames changed, IFuseConnection connection)
    {
        var (parent, name) = nodes.PlaceOf(node);
        if (parent is null ? !changed.IsAny : !changed.Contains(name))
        {
            return true;
        }

        nodes.Expire(node);
        if (changed.IsAny && parent is not null && !await QueueAsync(connection, parent.Id, name).ConfigureAwait(false))
        {
            return false;
        }

        // A file is looked up by its name; a directory that is somebody's working directory is asked about by itself.
        return node.Kind != FileKind.Directory
            || await RepeatAsync(() => connection.InvalidateInode(node.Id, -1, 0)).ConfigureAwait(false);
    }

    private ValueTask<bool> QueueAsync(IFuseConnection connection, ulong directory, string name)
    {
        var bytes = EntryName.ToBytes(name);
        if (bytes.Length is 0 or > EntryName.MaxBytes)
        {
            return new(true); // No Linux directory has it, so the kernel never heard of it.
        }

        counters.ExpiredNames.Add(1);
        return connection.ExpireEntry(directory, bytes)
            ? new(true)
            : RepeatAsync(() => connection.ExpireEntry(directory, bytes));
    }

    /// <summary>Waits for room in the bounded queue.</summary>
    /// <returns>False when there is none: the rest of the round is left to the leases.</returns>
    private async ValueTask<bool> RepeatAsync(Func<bool> tryQueue)
    {
        var started = time.GetTimestamp();
        while (!tryQueue())
        {
            if (_isStopped)
            {
                return false;
            }

            if (time.GetElapsedTime(started) >= RefusedMax)
            {
                LogRefused(RefusedMax);
                return false;
            }

            await Task.Delay(Settling, time).ConfigureAwait(false);
        }

        return true;
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The kernel took no notification for {Time}; what changed is seen when leases end")]
    private partial void LogRefused(TimeSpan time);

    [LoggerMessage(Level = LogLevel.Error, Message = "Telling the kernel of changes failed; from now on they are seen when leases end")]
    private partial void LogFailed(Exception exception);
}
