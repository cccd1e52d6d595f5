using OrleansCache.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Namespaces;

/// <summary>What is known of one name.</summary>
internal sealed class KnownName
{
    /// <summary>The attributes; null = there is no such name.</summary>
    public FileMetadata? Metadata { get; init; }

    /// <summary>When the under storage was asked.</summary>
    public Moment Asked { get; set; }

    /// <summary>Whether it comes from a listing, not from a question for this name.</summary>
    public bool IsListed { get; set; }

    /// <summary>The entry as handed out last; null = not yet with these attributes.</summary>
    public FileEntry? Sealed { get; set; }
}

/// <summary>
/// Names of one directory asked for lately, with what is known of them: a bounded memory before the listing store. Pure memory;
/// the caller knows the time and asks.
/// </summary>
internal sealed class NameTable
{
    /// <summary>Names kept; beyond it they are all forgotten and asked again.</summary>
    public const int MaxNames = 4096;

    private readonly Dictionary<string, KnownName> _names = new(StringComparer.Ordinal);

    /// <summary>What is known of a name; null = nothing.</summary>
    public KnownName? Find(string name) => _names.GetValueOrDefault(name);

    /// <summary>Takes an answer; a later one that is known already stays.</summary>
    /// <returns>What is known now.</returns>
    public KnownName Learn(string name, FileMetadata? metadata, Moment asked, bool isListed = false)
    {
        if (_names.TryGetValue(name, out var before))
        {
            if (before.Asked.Number > asked.Number)
            {
                return before; // a later question was answered first
            }

            if (Attributes.LookTheSame(before.Metadata, metadata))
            {
                (before.Asked, before.IsListed) = (asked, isListed);
                return before;
            }
        }
        else if (_names.Count >= MaxNames)
        {
            _names.Clear();
        }

        return _names[name] = new KnownName { Metadata = metadata, Asked = asked, IsListed = isListed };
    }

    /// <summary>Puts what was asked for later in the place of entries asked for at a moment.</summary>
    /// <param name="entries">Entries of a part of a listing.</param>
    /// <param name="from">The part begins after this position.</param>
    /// <param name="to">It ends at this one; null = at the directory's end.</param>
    /// <param name="asked">When they were asked for.</param>
    public void Correct(List<UnderStorageEntry> entries, string from, string? to, Moment asked)
    {
        Dictionary<string, KnownName>? later = null;
        foreach (var (name, known) in _names)
        {
            if (known.Asked.Number > asked.Number)
            {
                (later ??= new Dictionary<string, KnownName>(StringComparer.Ordinal))[name] = known;
            }
        }

        if (later is null)
        {
            return;
        }

        var kept = 0;
        for (var at = 0; at < entries.Count; at++)
        {
            var entry = entries[at];
            if (!later.Remove(entry.Name, out var known))
            {
                entries[kept++] = entry;
            }
            else if (known.Metadata is { } metadata)
            {
                entries[kept++] = metadata.Kind == entry.Metadata.Kind
                    ? entry with { Metadata = metadata } : new UnderStorageEntry(entry.Name, metadata);
            }
        }

        entries.RemoveRange(kept, entries.Count - kept);
        foreach (var (name, known) in later)
        {
            if (known.Metadata is { } metadata && IsBetween(UnderStorageEntry.PositionOf(name, metadata.Kind), from, to))
            {
                entries.Add(new UnderStorageEntry(name, metadata));
            }
        }
    }

    /// <summary>Forgets what a part of a listing knows better.</summary>
    /// <param name="from">The part begins after this position.</param>
    /// <param name="to">It ends at this one; null = at the directory's end.</param>
    /// <param name="asked">When it was asked for.</param>
    /// <param name="mayStandElsewhere">Whether a name may stand at another position than its own.</param>
    public void ForgetOlder(string from, string? to, Moment asked, Func<string, bool> mayStandElsewhere)
    {
        foreach (var (name, known) in _names)
        {
            if (known.Asked.Number < asked.Number
                && (mayStandElsewhere(name) || IsBetween(name, from, to) || IsBetween(name + "/", from, to)))
            {
                _names.Remove(name);
            }
        }
    }

    private static bool IsBetween(string position, string from, string? to) =>
        PositionOrder.Instance.Compare(position, from) > 0 && (to is null || PositionOrder.Instance.Compare(position, to) <= 0);
}
