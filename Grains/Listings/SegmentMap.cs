using System.Collections.Immutable;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Listings;

/// <summary>One segment in memory: <see cref="ListingSegment"/> with its time on the clock of this process.</summary>
/// <param name="Start">Position after which it begins.</param>
/// <param name="ResumeAt">What lists from there on.</param>
/// <param name="Asked">When it was asked for; null = never, what is kept of it means nothing.</param>
/// <param name="Unreachable">Keys no path can name.</param>
internal sealed record Segment(string Start, string? ResumeAt, Moment? Asked, ImmutableArray<string> Unreachable)
{
    /// <summary>A whole directory nothing is known of.</summary>
    public static readonly Segment Unknown = new("", null, null, []);

    /// <summary>Whether a listing can begin at it.</summary>
    public bool CanBegin => Start.Length == 0 || ResumeAt is not null;
}

/// <summary>A change of the map: made first, written to the store, then applied.</summary>
/// <param name="First">Index of the first segment replaced.</param>
/// <param name="Count">How many are replaced.</param>
/// <param name="Inserted">What takes their place.</param>
internal sealed record SegmentEdit(int First, int Count, ImmutableArray<Segment> Inserted)
{
    /// <summary>Start of a segment that becomes one with the next; null = none.</summary>
    public string? JoinAt { get; init; }
}

/// <summary>
/// Which parts of a directory were listed when: segments in order, from the beginning to the end, without gaps. Bounded whatever
/// the directory's size: past <see cref="MaxSegments"/> neighbours are joined. Pure memory.
/// </summary>
internal sealed class SegmentMap
{
    /// <summary>One segment for each page of the store: a million names of S3 are 1,000.</summary>
    public const int MaxSegments = 4096;

    private readonly List<Segment> _segments = [Segment.Unknown];
    private int _joins;

    /// <summary>The segments.</summary>
    public IReadOnlyList<Segment> Segments => _segments;

    /// <summary>Whether anything was ever listed.</summary>
    public bool IsKnown => _segments.Count > 1 || _segments[0].Asked is not null;

    /// <summary>Starts from segments kept elsewhere.</summary>
    public void Load(IEnumerable<Segment> kept)
    {
        _segments.Clear();
        _segments.AddRange(kept);
        if (_segments.Count == 0 || _segments[0].Start.Length != 0)
        {
            _segments.Insert(0, Segment.Unknown);
        }
    }

    /// <summary>The segment of the positions just after one.</summary>
    public int IndexAfter(string position) => IndexOf(position, isAfter: true);

    /// <summary>The segment of a position.</summary>
    public int IndexAt(string position) => IndexOf(position, isAfter: false);

    /// <summary>Where a segment ends; null = at the directory's end.</summary>
    public string? EndOf(int index) => index + 1 < _segments.Count ? _segments[index + 1].Start : null;

    /// <summary>No listing can begin at a segment any more: what lists from there on is not understood.</summary>
    public void ForgetResumeAt(int index) => _segments[index] = _segments[index] with { ResumeAt = null };

    /// <summary>What becomes of the map when a listing went on from a segment's start.</summary>
    /// <param name="from">Start of a segment.</param>
    /// <param name="to">Position of the last entry that came; null = the directory ended.</param>
    /// <param name="resumeAt">What lists on after it.</param>
    /// <param name="asked">When the under storage was asked.</param>
    /// <param name="unreachable">Keys no path can name.</param>
    public SegmentEdit Plan(string from, string? to, string? resumeAt, Moment asked, ImmutableArray<string> unreachable)
    {
        var first = IndexAfter(from);
        var listed = new Segment(from, _segments[first].ResumeAt, asked, unreachable);
        if (to is null)
        {
            return new SegmentEdit(first, _segments.Count - first, [listed]);
        }

        var last = IndexAfter(to); // what goes on behind the part
        var behind = _segments[last];
        var rest = behind with { Start = to, ResumeAt = resumeAt ?? (behind.Start == to ? behind.ResumeAt : null) };
        var count = last - first + 1;
        var edit = new SegmentEdit(first, count, [listed, rest]);
        return _segments.Count - count + 2 > MaxSegments ? edit with { JoinAt = PickJoin(first, last) } : edit;
    }

    /// <summary>Applies what was planned.</summary>
    public void Apply(SegmentEdit edit)
    {
        _segments.RemoveRange(edit.First, edit.Count);
        _segments.InsertRange(edit.First, edit.Inserted);
        if (edit.JoinAt is { } start)
        {
            var at = IndexAfter(start);
            _segments[at] = Join(_segments[at], _segments[at + 1]);
            _segments.RemoveAt(at + 1);
        }
    }

    /// <summary>Two neighbours as one: as old as the older.</summary>
    public static Segment Join(Segment one, Segment next) => one with
    {
        Asked = one.Asked is { } first && next.Asked is { } second ? Moment.Older(first, second) : null,
        Unreachable = [.. one.Unreachable.Concat(next.Unreachable).Take(DirectoryPage.MaxUnreachable)],
    };

    // Round and round, so that segments stay of about one size; never what was just listed, or a reader would not get on.
    private string? PickJoin(int first, int last)
    {
        for (var tries = 0; tries < 8; tries++)
        {
            var at = _joins++ % (_segments.Count - 1);
            if ((at + 1 < first || at > last) && _segments[at].Asked is null == _segments[at + 1].Asked is null)
            {
                return _segments[at].Start;
            }
        }

        return null;
    }

    private int IndexOf(string position, bool isAfter)
    {
        int low = 0, high = _segments.Count - 1;
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            var order = PositionOrder.Instance.Compare(_segments[middle].Start, position);
            if (order < 0 || (order == 0 && isAfter))
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }
}
