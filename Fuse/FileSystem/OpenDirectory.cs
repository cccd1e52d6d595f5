using OrleansCache.Metadata;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// One open directory. A cookie is a page and a position in it; a page is known by the place it starts after, so the
/// listing goes on at the right name however the directory changes between pages. The last two pages are kept; an
/// older one is listed again when somebody seeks back to it, and read from its start when it is not what it was: a
/// name may come twice, never be left out. One page is asked for ahead. Thread-safe.
/// </summary>
internal sealed class OpenDirectory(FileNode node) : IDisposable
{
    /// <summary>Cookies before the first entry: 0 is ".", 1 is "..".</summary>
    public const ulong FirstEntryCookie = 2;

    /// <summary>A page holds fewer entries than this.</summary>
    private const int PositionBits = 28;

    private readonly Lock _lock = new();
    private readonly List<PageStart> _starts = [];
    private long _firstSequence = 1;
    private ListedPage? _current;
    private ListedPage? _previous;
    private CancellationTokenSource? _cancelAhead; // Never disposed: no timer, no wait handle.
    private (string After, Task<StampedPage> Page)? _ahead;
    private bool _isClosed;

    public FileNode Node { get; } = node;

    public static ulong CookieOf(long sequence, int position) => ((ulong)sequence << PositionBits) | (uint)position;

    /// <summary>Offset 0: the directory as it is now. Cookies of before are no more known.</summary>
    public void Rewind()
    {
        lock (_lock)
        {
            _firstSequence += _starts.Count;
            _starts.Clear();
            _starts.Add(new PageStart(null));
            (_current, _previous) = (null, null);
            DropAhead();
        }
    }

    /// <summary>Whether the page after this one should be asked for: only who reads on for the first time reads ahead.</summary>
    /// <returns>What ends the question; null for no.</returns>
    public CancellationToken? BeginAhead(ListedPage page)
    {
        lock (_lock)
        {
            if (_isClosed || !IsKnown(page.Sequence) || StartOf(page.Sequence).Next != 0)
            {
                return null;
            }

            DropAhead();
            _cancelAhead = new CancellationTokenSource();
            return _cancelAhead.Token;
        }
    }

    /// <summary>Keeps the question that was begun, unless the directory was closed or rewound meanwhile.</summary>
    public void SetAhead(string after, Task<StampedPage> page, CancellationToken begun)
    {
        lock (_lock)
        {
            if (_cancelAhead?.Token == begun)
            {
                _ahead = (after, page);
            }
        }
    }

    /// <summary>The page after a place if it was asked for ahead; given once.</summary>
    public Task<StampedPage>? TakeAhead(string? after)
    {
        lock (_lock)
        {
            if (_ahead is not { } ahead || ahead.After != after)
            {
                return null;
            }

            _ahead = null;
            return ahead.Page;
        }
    }

    /// <summary>
    /// Where a cookie points. A cookie of before the last rewind, or an invented one, points to the beginning.
    /// </summary>
    public (long Sequence, int Position) Resolve(ulong cookie)
    {
        lock (_lock)
        {
            if (_starts.Count == 0)
            {
                _starts.Add(new PageStart(null));
            }

            var sequence = (long)(cookie >> PositionBits);
            var position = (int)(cookie & ((1 << PositionBits) - 1));
            return IsKnown(sequence) ? (sequence, position) : (_firstSequence, 0);
        }
    }

    /// <summary>A page that is still here, or the name to list after.</summary>
    public ListedPage? Find(long sequence, out string? after)
    {
        lock (_lock)
        {
            after = IsKnown(sequence) ? StartOf(sequence).After : null;
            return _current?.Sequence == sequence ? _current : _previous?.Sequence == sequence ? _previous : null;
        }
    }

    /// <summary>Keeps a page that was just listed.</summary>
    /// <returns>The page, and whether it is another one than when it was listed before.</returns>
    public (ListedPage Page, bool HasChanged) Add(long sequence, ListOutcome outcome, long expiry, long stamp)
    {
        var fingerprint = new HashCode();
        foreach (var entry in outcome.Nodes)
        {
            fingerprint.Add(entry.Entry.Name);
        }

        var page = new ListedPage(sequence, outcome.Nodes, outcome.Next, expiry, stamp);
        lock (_lock)
        {
            if (!IsKnown(sequence))
            {
                return (page, true); // Rewound meanwhile by another reader of the same descriptor.
            }

            var start = StartOf(sequence);
            var hasChanged = start.Fingerprint is { } before && before != fingerprint.ToHashCode();
            start.Fingerprint = fingerprint.ToHashCode();
            (_previous, _current) = (_current, page);
            return (page, hasChanged);
        }
    }

    /// <summary>The page after one that was read to its end.</summary>
    public long Next(ListedPage page)
    {
        var next = page.Next;
        lock (_lock)
        {
            if (!IsKnown(page.Sequence))
            {
                return _firstSequence;
            }

            var start = StartOf(page.Sequence);
            if (start.Next == 0 || StartOf(start.Next).After != next)
            {
                _starts.Add(new PageStart(next));
                start.Next = _firstSequence + _starts.Count - 1;
            }

            return start.Next;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            (_current, _previous) = (null, null);
            _starts.Clear();
            _isClosed = true;
            DropAhead();
        }
    }

    private void DropAhead()
    {
        // Cancelled outside of the lock: what it ends may come back here.
        if (_cancelAhead is { } cancel)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), cancel, preferLocal: false);
        }

        (_cancelAhead, _ahead) = (null, null);
    }

    private bool IsKnown(long sequence) => sequence >= _firstSequence && sequence < _firstSequence + _starts.Count;

    private PageStart StartOf(long sequence) => _starts[(int)(sequence - _firstSequence)];

    private sealed class PageStart(string? after)
    {
        public string? After { get; } = after;

        /// <summary>Of the names, when it was listed last.</summary>
        public int? Fingerprint { get; set; }

        /// <summary>The page after it, 0 when that was not asked for yet.</summary>
        public long Next { get; set; }
    }
}

/// <summary>One page of a directory as it was listed.</summary>
/// <param name="Sequence">Its part of the cookies.</param>
/// <param name="Nodes">The entries.</param>
/// <param name="Next">Where the page after it starts; null when the directory ends with it.</param>
/// <param name="Expiry">When its lease is over.</param>
/// <param name="Stamp"><see cref="KernelExpiry.Stamp"/> of before it was asked for.</param>
internal sealed record ListedPage(long Sequence, IReadOnlyList<NodeEntry> Nodes, string? Next, long Expiry, long Stamp)
{
    /// <summary>Whether the directory ends with it.</summary>
    public bool IsLast => Next is null;
}

/// <summary>A page as the view answered, and the stamp of before it was asked.</summary>
internal readonly record struct StampedPage(ListOutcome Outcome, long Stamp);
