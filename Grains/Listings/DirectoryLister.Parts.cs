using System.Collections.Immutable;
using OrleansCache.Files;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Listings;

/// <summary>One part: ask, prove whose it is, write, and only then count it as known.</summary>
internal sealed partial class DirectoryLister
{
    /// <summary>Keys no path can name are for people, who need not see all of a kilobyte.</summary>
    private const int MaxUnreachableLength = 200;

    /// <summary>How often in a row a listing may be dropped while it is made.</summary>
    private const int MaxLost = 3;

    private int _lost;

    /// <summary>The next part of a directory that comes in order, from a segment's start on.</summary>
    private async Task<ReadStatus> ListPartAsync(IUnderStorage storage, int index, CancellationToken cancellationToken)
    {
        await PlaceCursorAsync(storage, index);
        var (cursor, from, loads) = (_cursor!, _cursorAt!, _loads);
        (Moment, DateTimeOffset) now = (services.Floors.Now(), services.Time.GetUtcNow());

        // The driver may have asked ahead, since the call before this one began (IListing): so old the answer may be.
        var (asked, askedUtc) = _cursorAsked ?? now;
        var unreachable = ImmutableArray.CreateBuilder<string>();
        ListBatch batch;
        do
        {
            _cursorAsked = (services.Floors.Now(), services.Time.GetUtcNow());
            batch = await cursor.NextAsync(cancellationToken);
            Note(unreachable, batch.Unreachable);
        }
        while (batch.Status == ReadStatus.Ok && !batch.IsLast && batch.Entries.Count == 0);

        // The identity is checked after the listing, so that it is this directory's.
        var itself = await directory.VerifyAsync(cancellationToken);
        if (itself != ReadStatus.Ok || batch.Status != ReadStatus.Ok)
        {
            return StatusOf(itself, batch.Status);
        }

        if (loads != _loads)
        {
            return await LostAsync(); // the map is another one now: what came before this part may not be in the store
        }

        var entries = new List<UnderStorageEntry>(batch.Entries);
        var to = batch.IsLast ? null : LastOf(entries);
        directory.Correct(entries, from, to, asked);
        var wasKnown = _map.Segments[_map.IndexAfter(from)].Asked is not null;
        var edit = _map.Plan(from, to, batch.ResumeAt, asked, WithinLimit(unreachable));
        var written = await WriteAsync(
            PartOf(entries, from, to, edit, asked, askedUtc) with { WasKnown = wasKnown }, asked, loads, cancellationToken);
        if (written is null)
        {
            return await LostAsync();
        }

        _map.Apply(edit);
        (_cursorAt, Parts, _lost) = (to, Parts + 1, 0);
        directory.Listed(from, to, asked, written.Changed, wasKnown);
        if (to is null)
        {
            await CloseCursorAsync();
        }

        return ReadStatus.Ok;
    }

    /// <summary>A whole directory that comes in no order: it is known when all of it is.</summary>
    private async Task<ReadStatus> ListWholeAsync(IUnderStorage storage, CancellationToken cancellationToken)
    {
        var asked = services.Floors.Now();
        var askedUtc = services.Time.GetUtcNow();
        var (wasKnown, loads) = (_map.IsKnown, _loads);
        var unreachable = ImmutableArray.CreateBuilder<string>();
        var changed = ImmutableArray.CreateBuilder<string>();
        var isFirst = true;
        await using var listing = storage.List(self.Path, null);
        while (true)
        {
            var batch = await listing.NextAsync(cancellationToken);
            Note(unreachable, batch.Unreachable);
            if (batch.Status != ReadStatus.Ok || batch.IsLast)
            {
                var itself = await directory.VerifyAsync(cancellationToken);
                if (itself != ReadStatus.Ok || batch.Status != ReadStatus.Ok)
                {
                    return StatusOf(itself, batch.Status);
                }
            }

            var entries = new List<UnderStorageEntry>(batch.Entries);
            directory.Correct(entries, "", batch.IsLast ? null : "", asked);
            // From its first part on until its last the listing means nothing: the old one is gone, the new one not proven.
            ImmutableArray<Segment> segments = batch.IsLast ? [new Segment("", null, asked, WithinLimit(unreachable))]
                : isFirst ? [Segment.Unknown] : [];
            var part = PartOf(entries, "", null, new SegmentEdit(0, 0, segments), asked, askedUtc) with
            {
                Run = askedUtc.Ticks,
                EndsRun = batch.IsLast,
                WasKnown = wasKnown,
            };
            var written = await WriteAsync(part, asked, loads, cancellationToken);
            if (written is null)
            {
                return await LostAsync();
            }

            isFirst = false;
            if (!segments.IsEmpty)
            {
                _map.Load(segments);
            }

            changed.AddRange(written.Changed.Take(PathChange.MaxNames + 1 - changed.Count));
            if (batch.IsLast)
            {
                (Parts, _lost) = (Parts + 1, 0);
                directory.Listed("", null, asked, changed.ToImmutable(), wasKnown);
                return ReadStatus.Ok;
            }
        }
    }

    /// <summary>Makes the cursor stand at a segment's start, or before it where no listing can begin at it.</summary>
    private async ValueTask PlaceCursorAsync(IUnderStorage storage, int index)
    {
        var at = _map.Segments[index];
        while (!at.CanBegin && at.Start != _cursorAt)
        {
            at = _map.Segments[--index];
        }

        if (_cursor is null || _cursorAt != at.Start)
        {
            await CloseCursorAsync();
            (_cursor, at) = Begin(storage, index);
            _cursorAt = at.Start;
        }
    }

    /// <summary>Begins at a segment, or before it when the driver does not know the text it should go on at: another version wrote it.</summary>
    private (IListing Cursor, Segment At) Begin(IUnderStorage storage, int index)
    {
        while (true)
        {
            var at = _map.Segments[index];
            try
            {
                return (storage.List(self.Path, at.Start.Length == 0 ? null : at.ResumeAt), at);
            }
            catch (ArgumentException) when (at.Start.Length > 0)
            {
                _map.ForgetResumeAt(index);
                while (!_map.Segments[index].CanBegin)
                {
                    index--;
                }
            }
        }
    }

    private static ReadStatus StatusOf(ReadStatus itself, ReadStatus listing) => itself != ReadStatus.Ok ? itself
        : listing is ReadStatus.NotFound or ReadStatus.NotADirectory ? ReadStatus.StaleVersion : listing;

    /// <summary>The listing was dropped meanwhile: who waits makes it begin again, but not for ever.</summary>
    private async ValueTask<ReadStatus> LostAsync()
    {
        await CloseCursorAsync();
        return ++_lost < MaxLost ? ReadStatus.Ok : ReadStatus.Unavailable;
    }

    private static string LastOf(List<UnderStorageEntry> entries)
    {
        var last = entries[0].PositionInDirectory;
        foreach (var entry in entries)
        {
            var position = entry.PositionInDirectory;
            last = PositionOrder.Instance.Compare(position, last) > 0 ? position : last;
        }

        return last;
    }

    private static void Note(ImmutableArray<string>.Builder noted, IReadOnlyList<string> unreachable)
    {
        for (var i = 0; i < unreachable.Count && noted.Count < DirectoryPage.MaxUnreachable; i++)
        {
            var key = unreachable[i];
            noted.Add(key.Length <= MaxUnreachableLength ? key : $"{key.AsSpan(0, MaxUnreachableLength)}...");
        }
    }

    // Of a whole directory so many are named that the first ones fill the limit.
    private ImmutableArray<string> WithinLimit(ImmutableArray<string>.Builder noted) =>
        noted.Count == 0 || _map.Segments.Sum(segment => segment.Unreachable.Length) >= 4 * DirectoryPage.MaxUnreachable
            ? [] : noted.ToImmutable();

    private ListingPart PartOf(
        List<UnderStorageEntry> entries, string from, string? to, SegmentEdit edit, Moment asked, DateTimeOffset askedUtc)
    {
        var joinAt = edit.JoinAt is { } start ? _map.IndexAfter(start) : -1;
        return new ListingPart
        {
            Directory = self,
            Listing = _id,
            Entries = entries,
            From = from,
            To = to,
            Segments = [.. edit.Inserted.Select(one => KeptOf(one, one.Asked == asked ? askedUtc : null))],
            Joined = joinAt < 0 ? null : KeptOf(SegmentMap.Join(_map.Segments[joinAt], _map.Segments[joinAt + 1]), null),
            JoinedStart = joinAt < 0 ? null : _map.Segments[joinAt + 1].Start,
        };
    }

    /// <summary>As it is stored. What a sync has outdated while it was asked for is stored as never asked for.</summary>
    private ListingSegment KeptOf(Segment segment, DateTimeOffset? askedUtc)
    {
        var isOutdated = segment.Asked is not { } asked || asked.Number <= services.Floors.Of(source.Id, self.Path);
        return new ListingSegment(
            segment.Start, segment.ResumeAt,
            isOutdated ? null : askedUtc ?? services.Time.GetUtcNow() - services.AgeOf(segment.Asked!.Value), segment.Unreachable);
    }

    /// <summary>Null = the listing is gone, or not the one this part was planned for.</summary>
    private async Task<WrittenPart?> WriteAsync(ListingPart part, Moment asked, int loads, CancellationToken cancellationToken)
    {
        WrittenPart? written = null;
        if (_isOpen && loads == _loads)
        {
            _writing = asked;
            try
            {
                written = await services.Listings.WriteAsync(part, cancellationToken);
            }
            finally
            {
                _writing = null;
            }
        }

        if (written is null || written.Listing == 0 || loads != _loads)
        {
            Reset();
            return null;
        }

        _id = written.Listing;
        return written;
    }
}
