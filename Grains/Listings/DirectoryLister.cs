using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Grains.Namespaces;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Listings;

/// <summary>What a lister needs of its directory.</summary>
internal interface IListedDirectory
{
    /// <summary>Whether the directory is still the one at its path: Ok, StaleVersion or why it is not known. Asked anew.</summary>
    ValueTask<ReadStatus> VerifyAsync(CancellationToken cancellationToken);

    /// <summary>Corrects entries asked for at a moment by what is known from later questions.</summary>
    /// <param name="entries">The entries of a part.</param>
    /// <param name="from">The part begins after this position.</param>
    /// <param name="to">It ends at this one; null = at the directory's end.</param>
    /// <param name="asked">When they were asked for.</param>
    void Correct(List<UnderStorageEntry> entries, string from, string? to, Moment asked);

    /// <summary>A part was listed and kept.</summary>
    void Listed(string from, string? to, Moment asked, ImmutableArray<string> changed, bool wasKnown);
}

/// <summary>
/// Lists one directory into the listing store, part by part, as far and as often as somebody needs it: one request to the under
/// storage at a time. Whoever waits for a place gets it within one part, in the order of arrival; parts nobody waits for are
/// listed ahead only as far as <see cref="Ahead"/> allows. Never holds more than one part in memory. For one activation: no locks.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "a cancellation source without a timer holds nothing once it is cancelled")]
internal sealed partial class DirectoryLister(
    DirectoryRef self, SourceInfo source, DirectoryServices services, IListedDirectory directory)
{
    /// <summary>One part: the driver retries inside it.</summary>
    private static readonly TimeSpan PartTimeout = TimeSpan.FromSeconds(20);

    /// <summary>A directory without order is one part: a million entries take their time.</summary>
    private static readonly TimeSpan WholeTimeout = TimeSpan.FromMinutes(5);

    /// <summary>A local database that takes longer is stuck.</summary>
    private static readonly TimeSpan StoreTimeout = TimeSpan.FromSeconds(20);

    /// <summary>Older than any rule allows, and still a time span one can count with.</summary>
    private static readonly TimeSpan Ancient = TimeSpan.FromDays(36_500);

    private sealed record Waiter(string After, Freshness Need, TaskCompletionSource<ReadStatus> Done);

    private readonly SegmentMap _map = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private readonly CancellationTokenSource _closing = new();
    private readonly SingleFlight<bool> _opening = new();
    private readonly ILogger _logger = services.Logger;
    private bool _isOpen;
    private int _loads;
    private long _id;
    private Task? _running;
    private TaskCompletionSource<ReadStatus> _step = NewSignal();
    private IListing? _cursor;
    private string? _cursorAt;
    private (Moment Asked, DateTimeOffset AskedUtc)? _cursorAsked;
    private (string From, Freshness Need, int Left) _ahead;
    private Moment? _writing;

    /// <summary>The listing in the store; 0 = there is none.</summary>
    public long Id => _id;

    /// <summary>What was listed when.</summary>
    public SegmentMap Map => _map;

    /// <summary>Grows with each part kept.</summary>
    public long Parts { get; private set; }

    /// <summary>Whether a part is being listed.</summary>
    public bool IsRunning => _running is not null;

    /// <summary>Whether the listing may say of a name, at either of its places, what was asked for later than at a moment.</summary>
    public bool IsLaterOn(string name, string? position, Moment asked) => _writing?.Number > asked.Number
        || IsLaterAt(name, asked) || IsLaterAt(name + "/", asked) || (position is not null && IsLaterAt(position, asked));

    /// <summary>Finds what the store keeps.</summary>
    /// <returns>False when the store cannot be used.</returns>
    public async ValueTask<bool> OpenAsync(CancellationToken cancellationToken) =>
        _isOpen || await _opening.RunAsync("", fresh: false, LoadAsync, cancellationToken);

    /// <summary>The store does not have the listing any more.</summary>
    public void Reset()
    {
        _loads++;
        _isOpen = false;
        _id = 0;
        _map.Load([]);
    }

    /// <summary>Has the segment just after a position listed as freshly as needed.</summary>
    public async Task<ReadStatus> RefreshAsync(string after, Freshness need, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(after, need, NewSignal());
        _waiters.AddLast(waiter);
        Start();
        return await waiter.Done.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Lists on from a position, at most so many parts, leaving out what is fresh enough.</summary>
    public void Ahead(string from, Freshness need, int parts)
    {
        if (parts >= _ahead.Left)
        {
            _ahead = (from, need, parts);
            Start();
        }
    }

    /// <summary>Waits for the end of the part being listed; see <see cref="Parts"/> whether there was one.</summary>
    public async Task<ReadStatus> NextPartAsync(CancellationToken cancellationToken) =>
        _running is null ? ReadStatus.Ok : await _step.Task.WaitAsync(cancellationToken);

    /// <summary>Ends the listing. What is kept stays.</summary>
    public void Close() => _closing.Cancel();

    private bool IsLaterAt(string position, Moment asked) => _map.Segments[_map.IndexAt(position)].Asked?.Number > asked.Number;

    private static TaskCompletionSource<ReadStatus> NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<bool> LoadAsync()
    {
        try
        {
            using var deadline = new CancellationTokenSource(StoreTimeout, services.Time);
            var number = services.Floors.NumberOfStored;
            var kept = await services.Listings.OpenAsync(self, deadline.Token);
            var now = services.Time.GetUtcNow();
            _id = kept?.Id ?? 0;
            _map.Load(kept?.Segments.Select(one => new Segment(
                one.Start, one.ResumeAt, MomentOf(one.AskedUtc, kept.FloorUtc, now, number), one.Unreachable)) ?? []);
            (_isOpen, _loads) = (true, _loads + 1);
        }
        catch (Exception failure) when (failure is ListingStoreException or OperationCanceledException)
        {
            LogStoreFailed(self.Path, source.Path, failure.Message);
        }

        return _isOpen;
    }

    // Ages count across a restart, downtime included. A clock that went back leaves no age to rely on: too old for any rule.
    private Moment? MomentOf(DateTimeOffset? askedUtc, DateTimeOffset floorUtc, DateTimeOffset now, long number) =>
        askedUtc is not { } asked || asked <= floorUtc ? null
        : asked > now ? new Moment(services.Ago(Ancient), 0)
        : new Moment(services.Ago(now - asked), number);

    private void Start()
    {
        if (_running is null && !_closing.IsCancellationRequested)
        {
            _running = RunAsync();
        }
        else if (_closing.IsCancellationRequested)
        {
            Settle(ReadStatus.Unavailable);
        }
    }

    private async Task RunAsync()
    {
        await Task.Yield(); // so that who starts it sees it running
        try
        {
            while (Pick() is { } index)
            {
                var status = _closing.IsCancellationRequested ? ReadStatus.Unavailable : await TryStepAsync(index);
                Signal(status);
                if (status != ReadStatus.Ok)
                {
                    Settle(status);
                }
            }
        }
        catch (Exception broken)
        {
            LogBroken(self.Path, source.Path, broken); // the top of this work: who waits must hear of it
            Settle(ReadStatus.Unavailable);
        }
        finally
        {
            _running = null;
            Signal(ReadStatus.Ok);
            await CloseCursorAsync();
        }
    }

    private void Signal(ReadStatus status)
    {
        var step = _step;
        _step = NewSignal();
        step.SetResult(status);
    }

    /// <summary>The segment to list now: where the first to come waits, else what is to be listed ahead. Null = none.</summary>
    private int? Pick()
    {
        for (var node = _waiters.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.Need.Allows(_map.Segments[_map.IndexAfter(node.Value.After)].Asked))
            {
                _waiters.Remove(node);
                node.Value.Done.TrySetResult(ReadStatus.Ok);
            }

            node = next;
        }

        if (_waiters.First is { } first)
        {
            return _map.IndexAfter(first.Value.After);
        }

        if (_ahead.Left <= 0)
        {
            return null;
        }

        var index = _map.IndexAfter(_ahead.From);
        while (index < _map.Segments.Count && _ahead.Need.Allows(_map.Segments[index].Asked))
        {
            index++;
        }

        if (index == _map.Segments.Count)
        {
            _ahead = default;
            return null;
        }

        _ahead = (_map.Segments[index].Start, _ahead.Need, _ahead.Left - 1);
        return index;
    }

    private void Settle(ReadStatus status)
    {
        foreach (var waiter in _waiters)
        {
            waiter.Done.TrySetResult(status);
        }

        _waiters.Clear();
        _ahead = default;
    }

    private async Task<ReadStatus> TryStepAsync(int index)
    {
        using var deadline = new CancellationTokenSource(PartTimeout, services.Time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _closing.Token);
        try
        {
            if (!await OpenAsync(ends.Token))
            {
                return ReadStatus.Unavailable;
            }

            var found = await services.UnderStorages.TryFindAsync(source.Id, ends.Token);
            if (found.Storage is null)
            {
                return found.Status;
            }

            if (!found.Storage.ListsInOrder)
            {
                deadline.CancelAfter(WholeTimeout);
            }

            var status = found.Storage.ListsInOrder
                ? await ListPartAsync(found.Storage, Math.Min(index, _map.Segments.Count - 1), ends.Token)
                : await ListWholeAsync(found.Storage, ends.Token);
            if (status != ReadStatus.Ok)
            {
                await CloseCursorAsync();
            }

            return status;
        }
        catch (ListingStoreException failure)
        {
            LogStoreFailed(self.Path, source.Path, failure.Message);
            _isOpen = false; // whether it was written is not known
            await CloseCursorAsync();
            return ReadStatus.Unavailable;
        }
        catch (OperationCanceledException)
        {
            _isOpen = false;
            await CloseCursorAsync();
            return _closing.IsCancellationRequested ? ReadStatus.Unavailable : ReadStatus.DeadlineExceeded;
        }
    }

    private async ValueTask CloseCursorAsync()
    {
        var cursor = _cursor;
        (_cursor, _cursorAt, _cursorAsked) = (null, null, null);
        if (cursor is not null)
        {
            await cursor.DisposeAsync();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Listing directory '{Path}' of {Source} broke")]
    private partial void LogBroken(string path, string source, Exception broken);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The listing of directory '{Path}' of {Source} cannot be kept or read: {Reason}")]
    private partial void LogStoreFailed(string path, string source, string reason);
}
