using System.Collections.Concurrent;
using System.Collections.Immutable;
using OrleansCache.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Tests;

/// <summary>
/// An under storage in memory that lists one directory in order, by pages, as S3 does. Counts every request; pages and questions can
/// be held and failed. Its directories' identities follow from their paths.
/// </summary>
internal sealed class OrderedStorage : IUnderStorage, IUnderStorageCatalog
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, UnderStorageEntry> _entries = new(PositionOrder.Instance);
    private int _pages;
    private int _stats;

    public static FileId RootId => new(7, 7);

    public SourceId Source { get; } = new(42);

    public int PageSize { get; init; } = 1000;

    public bool ListsInOrder { get; init; } = true;

    public bool DirectoryIdsFollowPaths { get; init; } = true;

    /// <summary>Texts to go on at are not understood, as after a change of the driver.</summary>
    public bool RefusesToResume { get; set; }

    /// <summary>Answers to single questions, as they were when asked, come when this ends.</summary>
    public Task HoldStats { get; set; } = Task.CompletedTask;

    /// <summary>Whether a listing asks for a page already when the page before it is asked for.</summary>
    public bool AsksAhead { get; init; }

    /// <summary>List requests so far.</summary>
    public int Pages => Volatile.Read(ref _pages);

    /// <summary>Single questions so far.</summary>
    public int Stats => Volatile.Read(ref _stats);

    public int Requests => Pages + Stats;

    /// <summary>Where listings were begun; empty = at the beginning.</summary>
    public ConcurrentQueue<string> Begun { get; } = new();

    /// <summary>A page with this number or a later one waits for this.</summary>
    public (int FromPage, Task Until)? Hold { get; set; }

    public ReadStatus FailPagesWith { get; set; }

    public ReadStatus FailStatsWith { get; set; }

    /// <summary>Named as unreachable by the page with this number.</summary>
    public (int Page, string Key)? Unreachable { get; set; }

    /// <summary>What the directory really holds, when it is too much to keep.</summary>
    public Func<string?, int, IReadOnlyList<UnderStorageEntry>>? Generate { get; set; }

    public void Put(string name, long version = 1, FileKind kind = FileKind.File, string? position = null)
    {
        lock (_gate)
        {
            var entry = Entry(name, version, kind) with { Position = position };
            _entries[entry.PositionInDirectory] = entry;
        }
    }

    public void Remove(string position)
    {
        lock (_gate)
        {
            _entries.Remove(position);
        }
    }

    public List<UnderStorageEntry> All()
    {
        lock (_gate)
        {
            return [.. _entries.Values];
        }
    }

    public static UnderStorageEntry Entry(string name, long version = 1, FileKind kind = FileKind.File) => new(name, new FileMetadata
    {
        Id = new FileId(1, (ulong)string.GetHashCode(name, StringComparison.Ordinal)),
        Kind = kind,
        Version = new FileVersion(version, version, 0, $"etag-{version}"),
        Mode = kind == FileKind.Directory ? 0x41EDu : 0x81A4u,
        Links = 1,
    });

    public async ValueTask<StatOutcome> StatAsync(string path, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _stats);
        await Task.Yield();
        if (FailStatsWith != ReadStatus.Ok)
        {
            return new StatOutcome(FailStatsWith, default);
        }

        StatOutcome answer;
        lock (_gate)
        {
            answer = _entries.TryGetValue(path, out var one) || _entries.TryGetValue(path + "/", out one)
                ? new StatOutcome(ReadStatus.Ok, one.Metadata) : new StatOutcome(ReadStatus.NotFound, default);
        }

        await HoldStats.WaitAsync(cancellationToken);
        return answer;
    }

    public IListing List(string path, string? resumeAt)
    {
        if (RefusesToResume && resumeAt is not null)
        {
            throw new ArgumentException("not one of ours", nameof(resumeAt));
        }

        Begun.Enqueue(resumeAt ?? "");
        return new Listing(this, resumeAt ?? "");
    }

    public ValueTask<ImmutableArray<SourceFact>> ProbeAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ReadStatus> ReadAsync(
        string path, FileId file, FileVersion version, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<ReadStatus> StreamAsync(
        string path, FileId file, FileVersion version, long offsetBytes, long lengthBytes, Memory<byte> buffer, IPieceSink sink,
        CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<LinkOutcome> ReadLinkAsync(string path, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    ValueTask<IUnderStorage?> IUnderStorageCatalog.FindAsync(SourceId source, CancellationToken cancellationToken) => new(this);

    SourceIdentity IUnderStorageCatalog.Identify(string uri, SourceOptions options) => throw new NotSupportedException();

    ValueTask<IUnderStorage> IUnderStorageCatalog.OpenAsync(string uri, SourceOptions options, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    ValueTask IUnderStorageCatalog.CloseAsync(SourceId source) => throw new NotSupportedException();

    private sealed class Listing(OrderedStorage storage, string after) : IListing
    {
        private string _after = after;
        private IReadOnlyList<UnderStorageEntry>? _asked;

        public async ValueTask<ListBatch> NextAsync(CancellationToken cancellationToken)
        {
            var hold = storage.Hold;
            var page = Interlocked.Increment(ref storage._pages);
            await Task.Yield();
            if (hold is { } held && page >= held.FromPage)
            {
                await held.Until.WaitAsync(cancellationToken);
            }

            if (storage.FailPagesWith != ReadStatus.Ok)
            {
                return ListBatch.Failed(storage.FailPagesWith);
            }

            var entries = _asked ?? (storage.Generate is { } generate ? generate(_after, storage.PageSize) : storage.After(_after));
            var isLast = entries.Count < storage.PageSize;
            _after = entries.Count > 0 ? entries[^1].PositionInDirectory : _after;
            _asked = storage.AsksAhead ? storage.After(_after) : null;
            return new ListBatch(ReadStatus.Ok, entries, isLast, isLast ? null : _after)
            {
                Unreachable = storage.Unreachable is { } key && key.Page == page ? [key.Key] : [],
            };
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private List<UnderStorageEntry> After(string after)
    {
        lock (_gate)
        {
            return [.. _entries.Where(one => PositionOrder.Instance.Compare(one.Key, after) > 0).Take(PageSize).Select(one => one.Value)];
        }
    }
}
