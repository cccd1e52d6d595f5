using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Grains.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Namespaces;

/// <summary>
/// One directory at one path with one set of options: answers from what is known (<see cref="NameTable"/>, then the listing store)
/// and asks the under storage when the sync rule says so. A lookup asks for that name only, until there are so many that listing is
/// cheaper. Memory is bounded whatever the directory's size. For one activation: no locks.
/// </summary>
internal sealed partial class DirectoryBook : IListedDirectory
{
    /// <summary>Longer than a slow server's answer; a caller's own deadline is usually shorter.</summary>
    private static readonly TimeSpan QuestionTimeout = TimeSpan.FromSeconds(20);

    /// <summary>Later pages come from the listing of the first one for this long, whatever the sync rule says.</summary>
    private static readonly TimeSpan PagingGrace = TimeSpan.FromSeconds(60);

    /// <summary>How long "there is no such name" lives with <c>never</c>: a name asked for too early must come up some time.</summary>
    private static readonly TimeSpan NegativeGrace = TimeSpan.FromSeconds(60);

    /// <summary>Parts listed ahead of the pages read: enough to hide a round trip, few enough that <c>ls | head</c> costs little.</summary>
    private const int PartsAhead = 8;

    private const string SelfKey = ""; // no name is empty

    private readonly DirectoryRef _self;
    private readonly SourceInfo _source;
    private readonly DirectoryServices _services;
    private readonly SyncRule _rule;
    private readonly NameTable _names = new();
    private readonly DirectoryLister _lister;
    private readonly SingleFlight<(ReadStatus Status, KnownName? Name)> _flights = new();
    private readonly ILogger _logger;
    private Moment? _verified;
    private Freshness? _paging;

    public DirectoryBook(DirectoryRef self, SourceInfo source, DirectoryServices services)
    {
        (_self, _source, _services, _logger) = (self, source, services, services.Logger);
        _rule = source.Options.RuleIn(self.Path);
        _lister = new DirectoryLister(self, source, services, this);
        _storm = new LookupStorm(services);
    }

    public DirectoryRef Self => _self;

    public SourceInfo Source => _source;

    private bool MustBeFresh => _rule == SyncRule.Always;

    public async ValueTask<DirectoryPage> ListAsync(string? after, CancellationToken cancellationToken)
    {
        var need = NeedOfPage(after);
        var cursor = after ?? "";
        var lost = 0;
        while (true)
        {
            if (lost > MaxReadTries || !await _lister.OpenAsync(cancellationToken))
            {
                return Failed(ReadStatus.Unavailable);
            }

            var map = _lister.Map;
            var index = map.IndexAfter(cursor);
            if (!need.Allows(map.Segments[index].Asked))
            {
                if (!MustBeFresh)
                {
                    _lister.Ahead(cursor, need, PartsAhead);
                }

                var status = await _lister.RefreshAsync(cursor, need, cancellationToken);
                if (status != ReadStatus.Ok)
                {
                    return Failed(status);
                }

                continue;
            }

            var asked = map.Segments[index].Asked!.Value;
            for (var more = 0; more < PartsAhead && need.Allows(map.EndOf(index) is null ? null : map.Segments[index + 1].Asked); more++)
            {
                asked = Moment.Older(asked, map.Segments[++index].Asked!.Value);
            }

            var upTo = map.EndOf(index);
            var stored = await ReadStoredAsync(cursor, upTo, cancellationToken);
            if (stored is null)
            {
                lost++;
                _lister.Reset();
                continue;
            }

            if (stored.Entries.Count == 0 && upTo is not null)
            {
                cursor = upTo; // all of it was removed: a page with a next one has entries
                continue;
            }

            return PageOf(stored, upTo, need, asked);
        }
    }

    public async ValueTask<LinkResult> ReadLinkAsync(string name, CancellationToken cancellationToken)
    {
        var found = await _services.UnderStorages.TryFindAsync(_source.Id, cancellationToken);
        if (!IsName(name) || found.Storage is null)
        {
            return new LinkResult(found.Storage is null ? found.Status : ReadStatus.NotFound, "");
        }

        var need = NeedOfName(_services.Floors.Now());
        var outcome = await found.Storage.ReadLinkAsync(_self.PathOf(name), cancellationToken);
        var itself = await VerifySelfAsync(found.Storage, need, cancellationToken);
        return itself == ReadStatus.Ok ? new LinkResult(outcome.Status, outcome.Target) : new LinkResult(itself, "");
    }

    /// <summary>Ends what is under way for nobody any more.</summary>
    public void Close() => _lister.Close();

    /// <inheritdoc/>
    async ValueTask<ReadStatus> IListedDirectory.VerifyAsync(CancellationToken cancellationToken)
    {
        var found = await _services.UnderStorages.TryFindAsync(_source.Id, cancellationToken);
        return found.Storage is null
            ? found.Status
            : await VerifySelfAsync(found.Storage, new Freshness(long.MinValue, _services.Floors.Now().Number), cancellationToken);
    }

    /// <inheritdoc/>
    void IListedDirectory.Correct(List<UnderStorageEntry> entries, string from, string? to, Moment asked) =>
        _names.Correct(entries, from, to, asked);

    /// <inheritdoc/>
    void IListedDirectory.Listed(string from, string? to, Moment asked, ImmutableArray<string> changed, bool wasKnown)
    {
        _names.ForgetOlder(from, to, asked, MayStandElsewhere);
        _storm.PartListed();
        if (wasKnown && !changed.IsEmpty)
        {
            Publish(changed);
        }
    }

    private static DirectoryPage Failed(ReadStatus status) => new(status, [], null, 0, TimeSpan.Zero);

    private void Publish(ImmutableArray<string> changed) =>
        _services.Changes.Changed(_source.Id, _self.Path, changed.Length > PathChange.MaxNames ? [] : changed);

    private DirectoryPage PageOf(StoredPage stored, string? upTo, Freshness need, Moment asked)
    {
        var count = DirectoryPager.CountThatFits(stored.Entries);
        var entries = ImmutableArray.CreateBuilder<FileEntry>(count);
        var now = _services.Time.GetUtcNow();
        for (var at = 0; at < count; at++)
        {
            var (name, metadata, _) = stored.Entries[at];
            entries.Add(EntrySealing.Seal(_services.Sealer, _source, _self.PathOf(name), name, metadata, now));
        }

        var isLast = upTo is null && count == stored.Entries.Count && count < DirectoryPager.MaxEntries;
        var next = isLast ? null : stored.Entries[count - 1].PositionInDirectory;
        if (next is not null && !MustBeFresh)
        {
            _lister.Ahead(next, need, PartsAhead);
        }

        return new DirectoryPage(ReadStatus.Ok, entries.MoveToImmutable(), next, stored.Version, LeaseOf(asked))
        {
            Unreachable = isLast
                ? [.. _lister.Map.Segments.SelectMany(segment => segment.Unreachable).Take(DirectoryPage.MaxUnreachable)]
                : [],
        };
    }

    /// <summary>Null = the listing is gone.</summary>
    private async ValueTask<StoredPage?> ReadStoredAsync(string after, string? upTo, CancellationToken cancellationToken)
    {
        try
        {
            return await _services.Listings.ReadAsync(_lister.Id, after, upTo, DirectoryPager.MaxEntries, cancellationToken);
        }
        catch (ListingStoreException failure)
        {
            LogStoreFailed(_self.Path, _source.Path, failure.Message);
            return null;
        }
    }

    private TimeSpan LeaseOf(Moment asked) => SyncLease.Remaining(_rule, _services.AgeOf(asked));

    /// <summary>What an answer about a name must be as fresh as.</summary>
    private Freshness NeedOfName(Moment arrival)
    {
        var floor = _services.Floors.Of(_source.Id, _self.Path);
        return _rule == SyncRule.Always ? new Freshness(long.MinValue, Math.Max(floor, arrival.Number))
            : _rule == SyncRule.Never ? new Freshness(long.MinValue, floor)
            : new Freshness(_services.Ago(_rule.Interval) + 1, floor);
    }

    /// <summary>
    /// What a page must be as fresh as. Later pages may be as old as the listing of the first was allowed to be when that page was asked
    /// for, within the grace: else a short interval would list a directory again for each of its pages.
    /// </summary>
    private Freshness NeedOfPage(string? after)
    {
        var need = NeedOfName(_services.Floors.Now());
        if (after is null)
        {
            _paging = need;
        }
        else if (_paging is { } paging)
        {
            var floor = _services.Floors.Of(_source.Id, _self.Path);
            var oldest = _services.Ago(PagingGrace);
            need = new Freshness(
                MustBeFresh ? oldest : Math.Min(need.MinAt, Math.Max(paging.MinAt, oldest)),
                Math.Max(floor, Math.Min(need.AfterNumber, paging.AfterNumber)));
        }

        return need;
    }

    /// <summary>Whether this directory, not another one, is still at its path: Ok, StaleVersion or why it is not known.</summary>
    private async ValueTask<ReadStatus> VerifySelfAsync(IUnderStorage storage, Freshness need, CancellationToken cancellationToken)
    {
        if (storage.DirectoryIdsFollowPaths || need.Allows(_verified))
        {
            return ReadStatus.Ok;
        }

        var isLate = need.MinAt == long.MinValue; // only a question begun from now on is known to do
        var (status, _) = await _flights.RunAsync(SelfKey, isLate, () => AskSelfAsync(storage), cancellationToken);
        return status;
    }

    private async Task<(ReadStatus Status, KnownName? Name)> AskSelfAsync(IUnderStorage storage)
    {
        using var deadline = new CancellationTokenSource(QuestionTimeout, _services.Time);
        var asked = _services.Floors.Now();
        var outcome = await storage.StatAsync(_self.Path, deadline.Token);
        if (outcome.Status == ReadStatus.NotFound || (outcome.Status == ReadStatus.Ok && outcome.Metadata.Id != _self.Id))
        {
            _verified = null;
            return (ReadStatus.StaleVersion, null);
        }

        _verified = outcome.Status == ReadStatus.Ok ? asked : _verified;
        return (outcome.Status, null);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The listing of directory '{Path}' of {Source} cannot be read: {Reason}")]
    private partial void LogStoreFailed(string path, string source, string reason);
}
