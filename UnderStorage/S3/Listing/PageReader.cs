using System.Collections.Immutable;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// Turns pages of a bucket into entries of one directory: names, positions, and which of an object and a prefix keeps the name they
/// share. Does no I/O. Not thread-safe.
/// <para>
/// An entry's position is its key in the directory, with a slash for a directory, so positions ascend as the store lists. An empty
/// object's name depends on whether its prefix follows, and between the two may stand any number of keys (<c>a</c>, <c>a-1</c>,
/// <c>a.txt</c>, <c>a/</c>): so it is given away where its prefix stands, at the position <c>a//</c>. Those open objects are each a
/// beginning of the next, so there are never more than a key has characters.
/// </para>
/// </summary>
internal sealed class PageReader
{
    /// <summary>A store may give pages with nothing in them; this many in a row are nonsense.</summary>
    private const int MaxIdlePages = 100;

    private readonly SourceId _source;
    private readonly S3Presentation _presentation;
    private readonly string _sourcePrefix;
    private readonly string _keyPrefix;
    private ImmutableStack<OpenObject> _open = [];
    private HashSet<string> _uncertain = new(StringComparer.Ordinal);
    private List<UnderStorageEntry> _entries = [];
    private List<string> _unreachable = [];
    private string? _last;
    private string? _resumeAt;
    private int _idlePages;

    // As they were when the last entry was given away.
    private string? _given;
    private ImmutableStack<OpenObject> _openThen = [];

    /// <summary>A reader of one directory.</summary>
    /// <param name="source">The source.</param>
    /// <param name="presentation">Owner and mode of entries.</param>
    /// <param name="sourcePrefix">What every key of the source begins with.</param>
    /// <param name="keyPrefix">What every key of the directory begins with, the source's prefix included.</param>
    /// <param name="resumeAt">Where an earlier reader stood, or null.</param>
    /// <exception cref="ArgumentException">No reader of this directory wrote <paramref name="resumeAt"/>.</exception>
    public PageReader(SourceId source, S3Presentation presentation, string sourcePrefix, string keyPrefix, string? resumeAt)
    {
        _source = source;
        _presentation = presentation;
        _sourcePrefix = sourcePrefix;
        _keyPrefix = keyPrefix;
        if (resumeAt is null)
        {
            return;
        }

        var point = ListingPoint.Read(resumeAt);
        HasKeys = true;
        _resumeAt = resumeAt;
        _last = point.Last;
        After = AfterOf(point.Last);
        Missing = [.. point.Late.Select(length => keyPrefix + point.Last[..length])];
        foreach (var length in point.Given)
        {
            _open = _open.Push(new OpenObject(point.Last[..length], null));
        }
    }

    /// <summary>Full key after which the next page begins; null = at the beginning.</summary>
    public string? After { get; private set; }

    /// <summary>Whether any key of the directory was seen, also by the reader that this one goes on from.</summary>
    public bool HasKeys { get; private set; }

    /// <summary>Full keys to be looked up and given to <see cref="Restore"/> before the first page.</summary>
    public ImmutableArray<string> Missing { get; private set; } = [];

    /// <summary>Takes what is there now of the keys in <see cref="Missing"/>.</summary>
    public void Restore(IEnumerable<S3Object> found)
    {
        var late = found.Select(one => new OpenObject(one.Key[_keyPrefix.Length..], one))
            .Where(one => one.Segment.Length > 0 || one.Late!.Value.Length > 0);
        _open = [.. _open.Concat(late).OrderBy(one => one.Segment.Length)]; // each is a beginning of the next
        Missing = [];
    }

    /// <summary>Reads a page that the store answered with Ok for <see cref="After"/>.</summary>
    /// <returns>Unavailable when the page makes no sense: the reader is of no more use then.</returns>
    public ListBatch Read(S3Page page)
    {
        _entries = new List<UnderStorageEntry>(page.Objects.Count + page.Prefixes.Count);
        _unreachable = [];
        var before = _last;
        if (!TryMerge(page))
        {
            return ListBatch.Failed(ReadStatus.Unavailable);
        }

        if (!page.IsTruncated)
        {
            while (!_open.IsEmpty)
            {
                CloseInnermost();
            }

            return new ListBatch(ReadStatus.Ok, _entries, true, null) { Unreachable = _unreachable };
        }

        if (!TryAdvance(page, isIdle: ReferenceEquals(before, _last)))
        {
            return ListBatch.Failed(ReadStatus.Unavailable);
        }

        if (_entries.Count > 0)
        {
            _resumeAt = ListingPoint.TryWrite(_given!, _openThen);
        }

        return new ListBatch(ReadStatus.Ok, _entries, false, _resumeAt) { Unreachable = _unreachable };
    }

    /// <summary>Walks objects and prefixes in the order of their keys.</summary>
    private bool TryMerge(S3Page page)
    {
        var uncertain = new HashSet<string>(StringComparer.Ordinal);
        var (nextObject, nextPrefix) = (0, 0);
        while (true)
        {
            SkipUncertain(page.Objects, static one => one.Key, ref nextObject, uncertain);
            SkipUncertain(page.Prefixes, static prefix => prefix, ref nextPrefix, uncertain);
            var hasObject = nextObject < page.Objects.Count;
            var hasPrefix = nextPrefix < page.Prefixes.Count;
            if (!hasObject && !hasPrefix)
            {
                _uncertain = uncertain;
                return true;
            }

            var isObject = hasObject
                && (!hasPrefix || KeyOrder.Compare(page.Objects[nextObject].Key, page.Prefixes[nextPrefix]) < 0);
            var isSense = isObject ? TryTakeObject(page.Objects[nextObject++]) : TryTakePrefix(page.Prefixes[nextPrefix++]);
            if (!isSense)
            {
                return false;
            }
        }
    }

    /// <summary>Keys that cannot be told from others have no place in the order, so they are left out of it.</summary>
    private void SkipUncertain<T>(IReadOnlyList<T> page, Func<T, string> keyOf, ref int next, HashSet<string> uncertain)
    {
        for (; next < page.Count && !S3Names.IsCertain(keyOf(page[next])); next++)
        {
            HasKeys = true;
            var key = keyOf(page[next]);
            uncertain.Add(key);
            if (!_uncertain.Contains(key))
            {
                _unreachable.Add(S3Names.ForPeople(key));
            }
        }
    }

    private bool TryTakeObject(S3Object one)
    {
        if (!one.Key.StartsWith(_keyPrefix, StringComparison.Ordinal) || one.Key.AsSpan(_keyPrefix.Length).Contains('/'))
        {
            return false;
        }

        var segment = one.Key[_keyPrefix.Length..];
        if (!TryStepTo(segment))
        {
            return false;
        }

        if (segment.Length == 0 && one.Length == 0)
        {
            return true; // the directory's own marker
        }

        // The object "" would stand at the position "", which to others is the beginning.
        var isLate = one.Length == 0 || segment.Length == 0;
        _open = _open.Push(new OpenObject(segment, isLate ? one : null));
        if (!isLate)
        {
            GiveObject(one, segment, string.Empty, segment);
        }

        return true;
    }

    private bool TryTakePrefix(string prefix)
    {
        var isOne = prefix.Length > _keyPrefix.Length && prefix.StartsWith(_keyPrefix, StringComparison.Ordinal)
            && prefix.AsSpan(_keyPrefix.Length).IndexOf('/') == prefix.Length - _keyPrefix.Length - 1;
        if (!isOne)
        {
            return false;
        }

        var position = prefix[_keyPrefix.Length..];
        if (position == _last || LatePosition(position[..^1]) == _last)
        {
            return true; // stores differ in whether going on after a prefix repeats it
        }

        if (!TryStepTo(position))
        {
            return false;
        }

        var segment = position[..^1];
        if (_open.IsEmpty || _open.Peek().Segment.Length != segment.Length)
        {
            GivePrefix(prefix, segment, string.Empty, position);
            return true;
        }

        _open = _open.Pop(out var beside);
        var objectKeepsName = beside.Late is not { Length: 0 };
        GivePrefix(prefix, segment, objectKeepsName ? S3Names.PrefixSuffix : string.Empty, position);
        if (beside.Late is { } late)
        {
            GiveObject(late, segment, objectKeepsName ? string.Empty : S3Names.ObjectSuffix, LatePosition(segment));
        }

        return true;
    }

    /// <summary>Goes on to a position and gives away what can have no prefix any more.</summary>
    /// <returns>False when the position is not after the last.</returns>
    private bool TryStepTo(string position)
    {
        if (_last is not null && KeyOrder.Compare(position, _last) <= 0)
        {
            return false;
        }

        HasKeys = true;
        while (!_open.IsEmpty && !MayStillHavePrefix(_open.Peek().Segment, position))
        {
            CloseInnermost();
        }

        _last = position;
        return true;
    }

    /// <summary>Whether a position, which is after the segment, is not yet after its prefix.</summary>
    private static bool MayStillHavePrefix(string segment, string position) =>
        position.StartsWith(segment, StringComparison.Ordinal)
        && (position[segment.Length] < '/' || position.Length == segment.Length + 1 && position[^1] == '/');

    private void CloseInnermost()
    {
        _open = _open.Pop(out var open);
        if (open.Late is { } late)
        {
            GiveObject(late, open.Segment, string.Empty, LatePosition(open.Segment));
        }
    }

    private static string LatePosition(string segment) => segment + "//";

    private void GiveObject(S3Object one, string segment, string suffix, string position)
    {
        if (S3Names.ToName(segment, suffix) is not { } name)
        {
            _unreachable.Add(S3Names.ForPeople(one.Key));
            return;
        }

        var metadata = S3Metadata.OfObject(
            _source, _presentation, one.Key[_sourcePrefix.Length..], one.Length, one.LastModified, one.ETag);
        Give(name, metadata, position);
    }

    private void GivePrefix(string prefix, string segment, string suffix, string position)
    {
        if (S3Names.ToName(segment, suffix) is not { } name)
        {
            _unreachable.Add(S3Names.ForPeople(prefix));
            return;
        }

        var metadata = S3Metadata.OfPrefix(_source, _presentation, prefix[_sourcePrefix.Length..]);
        Give(name, metadata, position);
    }

    private void Give(string name, FileMetadata metadata, string position)
    {
        _entries.Add(new UnderStorageEntry(name, metadata, position));
        (_given, _openThen) = (position, _open);
    }

    /// <summary>After which full key the store goes on behind a position.</summary>
    private string AfterOf(string position) => position.EndsWith('/')
        ? S3KeyText.AfterAllOf(_keyPrefix + position[..(position.IndexOf('/', StringComparison.Ordinal) + 1)])
        : _keyPrefix + position;

    /// <summary>Decides where the next page begins.</summary>
    /// <returns>False when that is not further on.</returns>
    private bool TryAdvance(S3Page page, bool isIdle)
    {
        var endsUncertain = (page.Objects.Count > 0 && _uncertain.Contains(page.Objects[^1].Key))
            || (page.Prefixes.Count > 0 && _uncertain.Contains(page.Prefixes[^1]));

        // What an uncertain key stands for may sort before keys not seen yet: go back to the last certain one instead.
        var after = endsUncertain ? _last is null ? null : AfterOf(_last) : page.ContinueAfter;
        _idlePages = isIdle ? _idlePages + 1 : 0;
        if (after is null || _idlePages > MaxIdlePages || (After is not null && KeyOrder.Compare(after, After) <= 0))
        {
            return false;
        }

        After = after;
        return true;
    }
}
