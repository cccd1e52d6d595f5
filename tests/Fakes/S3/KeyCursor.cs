namespace OrleansCache.Fakes.S3;

/// <summary>Walks one sorted source of keys. The bucket's lock is held while it is used.</summary>
internal interface IKeyCursor
{
    /// <summary>The key under the cursor, or null at the end.</summary>
    string? Key { get; }

    /// <summary>The object under the cursor, or null where it was deleted.</summary>
    FakeObject? Current { get; }

    /// <summary>To the first key not before this one; only forward.</summary>
    void Seek(string key);

    /// <summary>To the next key.</summary>
    void Advance();
}

/// <summary>The objects that were put one by one, with the marks of deleted generated ones.</summary>
internal sealed class HeldCursor(SortedSet<string> keys, Dictionary<string, FakeObject?> objects) : IKeyCursor
{
    private IEnumerator<string>? _keys;

    public string? Key { get; private set; }

    public FakeObject? Current => Key is null ? null : objects[Key];

    public void Seek(string key)
    {
        _keys = keys.Count == 0 || ObjectKey.Order.Compare(keys.Max!, key) < 0
            ? Enumerable.Empty<string>().GetEnumerator()
            : keys.GetViewBetween(key, keys.Max!).GetEnumerator();
        Advance();
    }

    public void Advance() => Key = _keys!.MoveNext() ? _keys.Current : null;
}

/// <summary>One set of generated objects.</summary>
internal sealed class GeneratedCursor(GeneratedObjects objects) : IKeyCursor
{
    private int _index;

    public string? Key { get; private set; }

    public FakeObject? Current => Key is null ? null : objects.Make(_index, Key);

    public void Seek(string key) => MoveTo(objects.IndexOf(key));

    public void Advance() => MoveTo(_index + 1);

    private void MoveTo(int index)
    {
        _index = index;
        Key = index < objects.Count ? objects.KeyOf(index) : null;
    }
}

/// <summary>Several sources as one; where keys are equal the first source counts.</summary>
internal sealed class MergedCursor(IReadOnlyList<IKeyCursor> sources) : IKeyCursor
{
    private IKeyCursor? _first;

    public string? Key => _first?.Key;

    public FakeObject? Current => _first?.Current;

    public void Seek(string key)
    {
        foreach (var source in sources)
        {
            source.Seek(key);
        }

        Choose();
    }

    public void Advance()
    {
        var key = Key;
        foreach (var source in sources)
        {
            if (source.Key == key)
            {
                source.Advance();
            }
        }

        Choose();
    }

    private void Choose()
    {
        _first = null;
        foreach (var source in sources)
        {
            if (source.Key is { } key && (_first?.Key is not { } best || ObjectKey.Order.Compare(key, best) < 0))
            {
                _first = source;
            }
        }
    }
}
