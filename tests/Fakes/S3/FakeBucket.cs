namespace OrleansCache.Fakes.S3;

/// <summary>One bucket: objects held in memory and objects that are generated. Thread-safe.</summary>
public sealed class FakeBucket
{
    private readonly Lock _lock = new();
    private readonly SortedSet<string> _keys = new(ObjectKey.Order);

    // A null is the mark of a deleted object that would otherwise be generated.
    private readonly Dictionary<string, FakeObject?> _objects = new(StringComparer.Ordinal);
    private readonly List<GeneratedObjects> _generated = [];
    private readonly TimeProvider _time;

    internal FakeBucket(string name, bool anonymous, TimeProvider time)
    {
        (Name, Anonymous, _time) = (name, anonymous, time);
        Created = time.GetUtcNow();
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Whether it answers requests that are not signed.</summary>
    public bool Anonymous { get; set; }

    internal DateTimeOffset Created { get; }

    /// <summary>An object, or null.</summary>
    public FakeObject? Find(string key)
    {
        lock (_lock)
        {
            return _objects.TryGetValue(key, out var held)
                ? held
                : _generated.Select(objects => objects.Find(key)).FirstOrDefault(found => found is not null);
        }
    }

    /// <summary>Puts bytes.</summary>
    public FakeObject Put(string key, byte[] bytes) =>
        Put(key, ObjectContent.Of(bytes), FakeObject.ETagOf(bytes));

    /// <summary>Puts an object whose bytes are computed, of any length.</summary>
    public FakeObject PutSynthetic(string key, long length, ulong seed) =>
        Put(key, ObjectContent.Synthetic(length, seed), FakeObject.SyntheticETag(seed, length));

    /// <summary>Adds objects that exist as functions of their index.</summary>
    public void Generate(GeneratedObjects objects)
    {
        lock (_lock)
        {
            _generated.Add(objects);
        }
    }

    /// <summary>Deletes; false when there was nothing.</summary>
    public bool Delete(string key)
    {
        lock (_lock)
        {
            var existed = Find(key) is not null;
            if (_generated.Any(objects => objects.Find(key) is not null))
            {
                _objects[key] = null;
                _keys.Add(key);
            }
            else
            {
                _objects.Remove(key);
                _keys.Remove(key);
            }

            return existed;
        }
    }

    internal bool IsEmpty => List(new ListQuery { MaxKeys = 1 }).Entries.Count == 0;

    internal FakeObject Put(
        string key, ObjectContent content, string etag, IReadOnlyDictionary<string, string>? headers = null,
        Action<FakeObject?>? precondition = null)
    {
        lock (_lock)
        {
            var previous = Find(key);
            precondition?.Invoke(previous); // Throws: a conditional PUT decides and writes in one step.
            var next = new FakeObject
            {
                Content = content,
                ETag = etag,
                LastModified = _time.GetUtcNow(),
                Headers = headers ?? new Dictionary<string, string>(),
            }.Replacing(previous);
            _objects[key] = next;
            _keys.Add(key);
            return next;
        }
    }

    internal bool Delete(string key, Action<FakeObject?> precondition)
    {
        lock (_lock)
        {
            precondition(Find(key));
            return Delete(key);
        }
    }

    /// <summary>One page of a listing, in the order of the keys' bytes.</summary>
    internal ListPage List(ListQuery query)
    {
        lock (_lock)
        {
            var cursor = new MergedCursor([new HeldCursor(_keys, _objects), .. _generated.Select(objects => new GeneratedCursor(objects))]);
            var entries = new List<ListEntry>();
            var (after, inclusive) = Start(query);
            cursor.Seek(after);
            if (!inclusive && cursor.Key == after)
            {
                cursor.Advance();
            }

            while (cursor.Key is { } key && key.StartsWith(query.Prefix, StringComparison.Ordinal))
            {
                if (cursor.Current is not { } found)
                {
                    cursor.Advance();
                    continue;
                }

                if (entries.Count == query.MaxKeys)
                {
                    return new ListPage(entries, query.MaxKeys > 0);
                }

                if (CommonPrefix(query, key) is { } common)
                {
                    entries.Add(new ListEntry(common, null));
                    SkipBelow(cursor, common);
                    continue;
                }

                entries.Add(new ListEntry(key, found));
                cursor.Advance();
            }

            return new ListPage(entries, false);
        }
    }

    private static (string After, bool Inclusive) Start(ListQuery query)
    {
        if (ObjectKey.Order.Compare(query.After, query.Prefix) < 0 || query.After.Length == 0)
        {
            return (query.Prefix, true);
        }

        // After a common prefix (or a key below one that would be rolled up) comes what follows all that it stands for.
        return query.AfterIsPrefix ? (Successor(query.After), true) : (query.After, false);
    }

    private static string? CommonPrefix(ListQuery query, string key)
    {
        if (query.Delimiter.Length == 0)
        {
            return null;
        }

        var end = key.IndexOf(query.Delimiter, query.Prefix.Length, StringComparison.Ordinal);
        return end < 0 ? null : key[..(end + query.Delimiter.Length)];
    }

    private static void SkipBelow(MergedCursor cursor, string prefix) => cursor.Seek(Successor(prefix));

    /// <summary>The first key after all that begin with this prefix: its last byte is counted up.</summary>
    private static string Successor(string prefix)
    {
        var bytes = ObjectKey.ToBytes(prefix).AsSpan();
        while (!bytes.IsEmpty && bytes[^1] == byte.MaxValue)
        {
            bytes = bytes[..^1];
        }

        var next = bytes.ToArray();
        next[^1]++;
        return ObjectKey.FromBytes(next);
    }
}

/// <summary>What a page is asked for.</summary>
internal sealed record ListQuery
{
    public string Prefix { get; init; } = string.Empty;

    public string Delimiter { get; init; } = string.Empty;

    public string After { get; init; } = string.Empty;

    /// <summary>Whether <see cref="After"/> is a common prefix of the page before.</summary>
    public bool AfterIsPrefix { get; init; }

    public int MaxKeys { get; init; } = 1000;
}

/// <summary>A key with its object, or a common prefix without one.</summary>
internal readonly record struct ListEntry(string Name, FakeObject? Object);

/// <summary>One page.</summary>
internal sealed record ListPage(IReadOnlyList<ListEntry> Entries, bool IsTruncated);
