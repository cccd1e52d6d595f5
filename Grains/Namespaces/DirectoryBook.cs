using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Grains.Files;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Namespaces;

/// <summary>What a directory's answers need from its silo.</summary>
internal sealed record DirectoryServices(
    IUnderStorageCatalog UnderStorages, ICapabilitySealer Sealer, ListingBudget Budget, TimeProvider Time, ILogger Logger);

/// <summary>
/// One directory at one path with one set of options: keeps what is known (<see cref="NameTable"/>) and asks the under storage
/// when the sync rule says so. A lookup asks for that name only, never for the listing. For one activation: no locks.
/// </summary>
internal sealed partial class DirectoryBook(DirectoryRef self, SourceInfo source, DirectoryServices services)
{
    /// <summary>Longer than a slow server's answer; a caller's own deadline is usually shorter.</summary>
    private static readonly TimeSpan QuestionTimeout = TimeSpan.FromSeconds(20);

    /// <summary>Listing a million entries takes its time.</summary>
    private static readonly TimeSpan ListingTimeout = TimeSpan.FromMinutes(5);

    /// <summary>Later pages come from the listing of the first one for this long, whatever the sync rule says.</summary>
    private static readonly TimeSpan PagingGrace = TimeSpan.FromSeconds(60);

    // Keys of flights that are not names: no name is empty or has a slash.
    private const string SelfKey = "";
    private const string ListingKey = "/";

    private readonly NameTable _names = new();
    private readonly SingleFlight<(ReadStatus Status, KnownName? Name)> _flights = new();
    private readonly ILogger _logger = services.Logger;
    private long? _verifiedAt;
    private long _reserved;
    private bool _closed;

    public DirectoryRef Self => self;

    public SourceInfo Source => source;

    private SyncRule Rule => source.Options.Sync;

    private bool MustBeFresh => Rule == SyncRule.Always;

    public async ValueTask<LookupResult> LookupAsync(string name, CancellationToken cancellationToken)
    {
        if (!IsName(name))
        {
            return new LookupResult(ReadStatus.NotFound, null, DirectoryLease.Default); // no file can ever have it
        }

        var known = _names.Find(name);
        if (known is null || Rule.IsDue(AgeOf(known.AskedAt)))
        {
            (var status, known) = await _flights.RunAsync(name, MustBeFresh, () => AskNameAsync(name), cancellationToken);
            if (status != ReadStatus.Ok)
            {
                return new LookupResult(status, null, TimeSpan.Zero);
            }
        }

        var lease = SyncLease.Remaining(Rule, AgeOf(known!.AskedAt));
        return known.Metadata is null
            ? new LookupResult(ReadStatus.NotFound, null, lease)
            : new LookupResult(ReadStatus.Ok, EntryOf(name, known), lease);
    }

    public async ValueTask<DirectoryPage> ListAsync(string? after, CancellationToken cancellationToken)
    {
        var age = AgeOf(_names.ListedAt);
        var due = _names.Sorted is null || (Rule.IsDue(age) && (after is null || age >= PagingGrace));
        if (due)
        {
            var fresh = MustBeFresh && after is null;
            var (status, _) = await _flights.RunAsync(ListingKey, fresh, AskListingAsync, cancellationToken);
            if (status != ReadStatus.Ok)
            {
                return new DirectoryPage(status, [], null, 0, TimeSpan.Zero);
            }
        }

        var sorted = _names.Sorted!;
        var first = DirectoryPager.IndexAfter(sorted, after);
        var count = DirectoryPager.CountThatFits(sorted, first);
        var entries = ImmutableArray.CreateBuilder<FileEntry>(count);
        for (var at = first; at < first + count; at++)
        {
            entries.Add(EntryOf(sorted[at], _names.Listed(sorted[at])));
        }

        return new DirectoryPage(
            ReadStatus.Ok, entries.MoveToImmutable(), first + count >= sorted.Count ? null : sorted[first + count - 1], _names.Version,
            SyncLease.Remaining(Rule, AgeOf(_names.ListedAt)));
    }

    public async ValueTask<LinkResult> ReadLinkAsync(string name, CancellationToken cancellationToken)
    {
        var found = await services.UnderStorages.TryFindAsync(source.Id, cancellationToken);
        if (!IsName(name) || found.Storage is null)
        {
            return new LinkResult(found.Storage is null ? found.Status : ReadStatus.NotFound, "");
        }

        var outcome = await found.Storage.ReadLinkAsync(self.PathOf(name), cancellationToken);
        var itself = await VerifySelfAsync(cancellationToken);
        return itself == ReadStatus.Ok ? new LinkResult(outcome.Status, outcome.Target) : new LinkResult(itself, "");
    }

    /// <summary>Gives the room of the listing back.</summary>
    public void Close()
    {
        _closed = true;
        services.Budget.Release(_reserved);
        _reserved = 0;
    }

    private static bool IsName(string name) => name.Length is > 0 and <= EntryName.MaxBytes
        && name is not ("." or "..") && !name.AsSpan().ContainsAny('/', '\0');

    private TimeSpan AgeOf(long askedAt) => services.Time.GetElapsedTime(askedAt);

    private FileEntry EntryOf(string name, KnownName known)
    {
        var now = services.Time.GetUtcNow();
        if (known.Sealed is null || !EntrySealing.IsFresh(known.Sealed, now))
        {
            known.Sealed = EntrySealing.Seal(services.Sealer, source, self.PathOf(name), name, known.Metadata!.Value, now);
        }

        return known.Sealed;
    }

    private async Task<(ReadStatus Status, KnownName? Name)> AskNameAsync(string name)
    {
        using var deadline = new CancellationTokenSource(QuestionTimeout, services.Time);
        var askedAt = services.Time.GetTimestamp();
        var found = await services.UnderStorages.TryFindAsync(source.Id, deadline.Token);
        if (found.Storage is null)
        {
            return (found.Status, null);
        }

        var outcome = await found.Storage.StatAsync(self.PathOf(name), deadline.Token);
        if (outcome.Status is not (ReadStatus.Ok or ReadStatus.NotFound))
        {
            return (outcome.Status, null);
        }

        // Only in this directory is that name an answer: another one may have taken its path.
        var itself = await VerifySelfAsync(deadline.Token);
        return itself != ReadStatus.Ok
            ? (itself, null)
            : (ReadStatus.Ok, _names.Learn(name, outcome.Status == ReadStatus.Ok ? outcome.Metadata : null, askedAt));
    }

    private async Task<(ReadStatus Status, KnownName? Name)> AskListingAsync()
    {
        using var deadline = new CancellationTokenSource(ListingTimeout, services.Time);
        var askedAt = services.Time.GetTimestamp();
        var found = await services.UnderStorages.TryFindAsync(source.Id, deadline.Token);
        if (found.Storage is null)
        {
            return (found.Status, null);
        }

        var entries = new List<UnderStorageEntry>();
        long reserved = 0;
        var tooMany = false;
        try
        {
            ListBatch batch;
            await using var listing = found.Storage.List(self.Path, null);
            do
            {
                batch = await listing.NextAsync(deadline.Token);
                tooMany = tooMany || !services.Budget.TryReserve(batch.Entries.Count);
                if (!tooMany)
                {
                    reserved += batch.Entries.Count;
                    entries.AddRange(batch.Entries);
                }
            }
            while (!batch.IsLast);

            var status = batch.Status;
            _verifiedAt = null; // the identity is checked after the listing, so that it is this directory's
            var itself = await VerifySelfAsync(deadline.Token);
            status = itself == ReadStatus.Ok && status is ReadStatus.NotFound or ReadStatus.NotADirectory
                ? ReadStatus.StaleVersion
                : itself != ReadStatus.Ok ? itself : tooMany ? ReadStatus.Unavailable : status;
            if (status != ReadStatus.Ok || _closed)
            {
                return (_closed && status == ReadStatus.Ok ? ReadStatus.Unavailable : status, null);
            }

            (_reserved, reserved) = (reserved, _reserved);
            _names.ReplaceListing(entries, askedAt);
            return (ReadStatus.Ok, null);
        }
        finally
        {
            services.Budget.Release(reserved); // Of the listing before, or of this one: also when its deadline ends it.
            if (tooMany)
            {
                LogTooManyEntries(self.Path, source.Path, entries.Count, services.Budget.Used, services.Budget.MaxEntries);
            }
        }
    }

    /// <summary>Whether this directory, not another one, is still at its path: Ok, StaleVersion or why it is not known.</summary>
    private async ValueTask<ReadStatus> VerifySelfAsync(CancellationToken cancellationToken)
    {
        if (_verifiedAt is { } verified && !Rule.IsDue(AgeOf(verified)))
        {
            return ReadStatus.Ok;
        }

        var (status, _) = await _flights.RunAsync(SelfKey, MustBeFresh, AskSelfAsync, cancellationToken);
        return status;
    }

    private async Task<(ReadStatus Status, KnownName? Name)> AskSelfAsync()
    {
        using var deadline = new CancellationTokenSource(QuestionTimeout, services.Time);
        var askedAt = services.Time.GetTimestamp();
        var found = await services.UnderStorages.TryFindAsync(source.Id, deadline.Token);
        if (found.Storage is null)
        {
            return (found.Status, null);
        }

        var outcome = await found.Storage.StatAsync(self.Path, deadline.Token);
        if (outcome.Status == ReadStatus.NotFound || (outcome.Status == ReadStatus.Ok && outcome.Metadata.Id != self.Id))
        {
            return (ReadStatus.StaleVersion, null);
        }

        _verifiedAt = outcome.Status == ReadStatus.Ok ? askedAt : _verifiedAt;
        return (outcome.Status, null);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Directory '{Path}' of {Source} was not listed: stopped keeping after "
        + "{Seen} entries, the silo's directories hold {Used} of {Max} allowed. Wait for idle ones to be dropped, or split it")]
    private partial void LogTooManyEntries(string path, string source, int seen, long used, long max);
}
