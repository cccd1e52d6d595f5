using OrleansCache.Files;
using OrleansCache.Grains.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Namespaces;

/// <summary>Lookups: memory, then the listing, then one question to the under storage.</summary>
internal sealed partial class DirectoryBook
{
    /// <summary>From here on characters may be bytes that are not UTF-8 (<see cref="EntryName"/>).</summary>
    private const char FirstMapped = '\uF700';

    private const int MaxReadTries = 3;

    private readonly LookupStorm _storm;
    private bool _directoriesArePlaces;

    public async ValueTask<LookupResult> LookupAsync(string name, CancellationToken cancellationToken)
    {
        if (!IsName(name))
        {
            return new LookupResult(ReadStatus.NotFound, null, DirectoryLease.Default); // no file can ever have it
        }

        var need = NeedOfName(_services.Floors.Now());
        var isImmutable = !_source.Options.ImmutableFiles.IsEmpty && _source.Options.IsImmutable(_self.PathOf(name));
        var known = _names.Find(name);
        if (!IsGood(known, need, isImmutable))
        {
            known = await FindListedAsync(name, need, isImmutable, cancellationToken);
            if (known is null)
            {
                (var status, known) = await AskAsync(name, need, isImmutable, cancellationToken);
                if (status != ReadStatus.Ok)
                {
                    return new LookupResult(status, null, TimeSpan.Zero);
                }
            }
        }

        return AnswerOf(name, known!, isImmutable);
    }

    private static bool IsName(string name) => name.Length is > 0 and <= EntryName.MaxBytes
        && name is not ("." or "..") && !name.AsSpan().ContainsAny('/', '\0') && PositionOrder.IsWellFormed(name);

    /// <summary>
    /// Whether a name may stand elsewhere in the store's order than under itself: one that is mapped from other bytes, or one with
    /// the sign that such mappings begin with. That it is nowhere is known only when the whole directory is.
    /// </summary>
    private static bool MayStandElsewhere(string name) =>
        name.Contains('%', StringComparison.Ordinal) || name.AsSpan().ContainsAnyInRange(FirstMapped, '\uFFFF');

    private static bool IsFixed(KnownName known, bool isImmutable) => isImmutable && known.Metadata is { Kind: FileKind.File };

    private bool IsGood(KnownName? known, Freshness need, bool isImmutable)
    {
        if (known is null)
        {
            return false;
        }

        if (IsFixed(known, isImmutable) || IsPlace(known))
        {
            return known.Asked.Number > _services.Floors.Of(_source.Id, _self.Path)
                && (!IsPlace(known) || _services.AgeOf(known.Asked) < DirectoryLease.Default);
        }

        return need.Allows(known.Asked) && (!ExpiresSoon(known) || _services.AgeOf(known.Asked) < NegativeGrace);
    }

    /// <summary>
    /// Whether it is a directory without content of its own: it leads to the same names whether or not it was looked at again, so with
    /// <c>always</c> too it is remembered for a while. Else each open would ask for all directories above the file.
    /// </summary>
    private bool IsPlace(KnownName known) => MustBeFresh && _directoriesArePlaces && known.Metadata is { Kind: FileKind.Directory };

    private bool ExpiresSoon(KnownName known) => _rule == SyncRule.Never && known.Metadata is null && !known.IsListed;

    private LookupResult AnswerOf(string name, KnownName known, bool isImmutable)
    {
        var lease = IsFixed(known, isImmutable) ? DirectoryLease.Default
            : IsPlace(known) ? SyncLease.Remaining(new SyncRule(DirectoryLease.Default), _services.AgeOf(known.Asked))
            : ExpiresSoon(known) ? SyncLease.Remaining(new SyncRule(NegativeGrace), _services.AgeOf(known.Asked))
            : LeaseOf(known.Asked);
        if (known.Metadata is not { } metadata)
        {
            return new LookupResult(ReadStatus.NotFound, null, lease);
        }

        var now = _services.Time.GetUtcNow();
        if (known.Sealed is null || !EntrySealing.IsFresh(known.Sealed, now))
        {
            known.Sealed = EntrySealing.Seal(_services.Sealer, _source, _self.PathOf(name), name, metadata, now);
        }

        return new LookupResult(ReadStatus.Ok, known.Sealed, lease);
    }

    /// <summary>What the listing says of a name, if it is fresh enough there; null = nothing.</summary>
    private async ValueTask<KnownName?> FindListedAsync(
        string name, Freshness need, bool isImmutable, CancellationToken cancellationToken)
    {
        if ((MustBeFresh && !isImmutable) || !await _lister.OpenAsync(cancellationToken) || !_lister.Map.IsKnown || _lister.Id == 0)
        {
            return null;
        }

        if (!isImmutable && !MayStandElsewhere(name) && !IsListedAt(name, need) && !IsListedAt(name + "/", need))
        {
            return null; // whatever is kept there is too old
        }

        for (var tries = 0; tries < MaxReadTries; tries++)
        {
            var parts = _lister.Parts;
            var stored = await FindStoredAsync(name, cancellationToken);
            if (stored.IsGone)
            {
                _lister.Reset();
                return null;
            }

            if (parts != _lister.Parts)
            {
                continue; // what was read may be older than what the map says now
            }

            return Judge(name, stored.Entry, need, isImmutable);
        }

        return null;
    }

    private bool IsListedAt(string position, Freshness need) =>
        need.Allows(_lister.Map.Segments[_lister.Map.IndexAt(position)].Asked);

    private async ValueTask<StoredEntry> FindStoredAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await _services.Listings.FindAsync(_lister.Id, name, cancellationToken);
        }
        catch (ListingStoreException failure)
        {
            LogStoreFailed(_self.Path, _source.Path, failure.Message);
            return new StoredEntry(IsGone: true, null);
        }
    }

    private KnownName? Judge(string name, UnderStorageEntry? entry, Freshness need, bool isImmutable)
    {
        var map = _lister.Map;
        Moment? asked;
        if (entry is { } present)
        {
            asked = map.Segments[map.IndexAt(present.PositionInDirectory)].Asked;
        }
        else
        {
            var (one, other) = MayStandElsewhere(name) ? (0, map.Segments.Count - 1) : (map.IndexAt(name), map.IndexAt(name + "/"));
            asked = map.Segments[one].Asked;
            for (var at = one + 1; at <= other; at++)
            {
                // Only the ends matter for a name that can stand nowhere else, but what lies between them is little.
                asked = asked is { } first && map.Segments[at].Asked is { } next ? Moment.Older(first, next) : null;
            }
        }

        if (asked is not { } moment)
        {
            return null;
        }

        var listed = new KnownName { Metadata = entry?.Metadata, Asked = moment, IsListed = true };
        return IsGood(listed, need, isImmutable) ? _names.Learn(name, entry?.Metadata, moment, isListed: true) : null;
    }

    private async ValueTask<(ReadStatus Status, KnownName? Name)> AskAsync(
        string name, Freshness need, bool isImmutable, CancellationToken cancellationToken)
    {
        var found = await _services.UnderStorages.TryFindAsync(_source.Id, cancellationToken);
        if (found.Storage is null)
        {
            return (found.Status, null);
        }

        _directoriesArePlaces = found.Storage.DirectoryIdsFollowPaths;

        // Who joins a question under way pays nothing.
        while (!MustBeFresh && found.Storage.ListsInOrder && !_flights.IsUnderWay(name) && !_storm.TryAsk(_rule.Interval))
        {
            if (await ListInsteadAsync(name, need, isImmutable, cancellationToken) is { } listed)
            {
                return (ReadStatus.Ok, listed);
            }
        }

        var (status, known) = await _flights.RunAsync(name, MustBeFresh, () => AskNameAsync(name, found.Storage), cancellationToken);
        if (status == ReadStatus.Ok && known!.Asked.Number <= need.AfterNumber)
        {
            // Begun before a sync that this caller must see.
            (status, known) = await _flights.RunAsync(name, true, () => AskNameAsync(name, found.Storage), cancellationToken);
        }

        return (status, known);
    }

    /// <summary>Lists on by one part and looks there; null = not there yet, or listing is not possible.</summary>
    private async ValueTask<KnownName?> ListInsteadAsync(
        string name, Freshness need, bool isImmutable, CancellationToken cancellationToken)
    {
        var parts = _lister.Parts;
        _lister.Ahead("", need, int.MaxValue);
        var status = await _lister.NextPartAsync(cancellationToken);
        if (status != ReadStatus.Ok || parts == _lister.Parts)
        {
            _storm.CannotList = true; // refused, or nothing left to list and still not decided
            return null;
        }

        return await FindListedAsync(name, need, isImmutable, cancellationToken);
    }

    private async Task<(ReadStatus Status, KnownName? Name)> AskNameAsync(string name, IUnderStorage storage)
    {
        using var deadline = new CancellationTokenSource(QuestionTimeout, _services.Time);
        var asked = _services.Floors.Now();
        var outcome = await storage.StatAsync(_self.PathOf(name), deadline.Token);
        if (outcome.Status is not (ReadStatus.Ok or ReadStatus.NotFound))
        {
            return (outcome.Status, null);
        }

        // Only in this directory is that name an answer: another one may have taken its path.
        var itself = await VerifySelfAsync(storage, NeedOfName(asked), deadline.Token);
        if (itself != ReadStatus.Ok)
        {
            return (itself, null);
        }

        FileMetadata? metadata = outcome.Status == ReadStatus.Ok ? outcome.Metadata : null;
        var before = _names.Find(name);
        var known = _names.Learn(name, metadata, asked);
        var differs = before is not null && before.Asked.Number < asked.Number && before != known;
        if (!MustBeFresh)
        {
            differs |= await CorrectListingAsync(name, known, deadline.Token);
        }

        if (differs)
        {
            Publish([name]);
        }

        return (ReadStatus.Ok, known);
    }

    /// <summary>Makes the listing say what was just found, so that pages and lookups do not contradict each other.</summary>
    /// <returns>Whether it said something else.</returns>
    private async ValueTask<bool> CorrectListingAsync(string name, KnownName known, CancellationToken cancellationToken)
    {
        var map = _lister.Map;
        if (!await _lister.OpenAsync(cancellationToken) || _lister.Id == 0
            || (map.Segments[map.IndexAt(name)].Asked is null && map.Segments[map.IndexAt(name + "/")].Asked is null))
        {
            return false;
        }

        var stored = await FindStoredAsync(name, cancellationToken);
        if (stored.IsGone || Attributes.LookTheSame(stored.Entry?.Metadata, known.Metadata)
            || _lister.IsLaterOn(name, stored.Entry?.PositionInDirectory, known.Asked))
        {
            return false; // also a slow answer to a question of before the listing: what came later stays
        }

        try
        {
            await _services.Listings.LearnAsync(_lister.Id, name, known.Metadata, cancellationToken);
        }
        catch (ListingStoreException failure)
        {
            LogStoreFailed(_self.Path, _source.Path, failure.Message); // the next listing says it
        }

        return true;
    }
}
