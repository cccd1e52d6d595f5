using OrleansCache.Files;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Namespaces;

/// <summary>What is known of one name.</summary>
internal sealed class KnownName
{
    /// <summary>The attributes; null = there is no such name.</summary>
    public FileMetadata? Metadata { get; set; }

    /// <summary>Timestamp from before the under storage was asked.</summary>
    public long AskedAt { get; set; }

    /// <summary>The entry as handed out last; null = not yet with these attributes.</summary>
    public FileEntry? Sealed { get; set; }
}

/// <summary>
/// The names of one directory as far as they are known: all of them in ordinal order once it was listed, single ones from
/// lookups. Pure memory; the caller knows the time and asks the under storage.
/// </summary>
internal sealed class NameTable
{
    /// <summary>Single names kept without or beside a listing; beyond it they are all forgotten and asked again.</summary>
    public const int MaxLooseNames = 4096;

    private readonly Dictionary<string, KnownName> _loose = new(StringComparer.Ordinal);
    private Dictionary<string, KnownName> _listed = new(StringComparer.Ordinal);
    private List<string>? _sorted;

    /// <summary>Names of the listing in ordinal order; null before the first listing.</summary>
    public IReadOnlyList<string>? Sorted => _sorted;

    /// <summary>Timestamp from before the listing was asked for.</summary>
    public long ListedAt { get; private set; }

    /// <summary>Grows with every change anybody could see.</summary>
    public long Version { get; private set; } = 1;

    /// <summary>What is known of a name: from the listing or a lookup, whichever is newer. Null = nothing.</summary>
    public KnownName? Find(string name) =>
        _listed.TryGetValue(name, out var known) || _loose.TryGetValue(name, out known) ? known
        : _sorted is null ? null
        : new KnownName { AskedAt = ListedAt }; // listed, and it was not there

    /// <summary>A listed name.</summary>
    public KnownName Listed(string name) => _listed[name];

    /// <summary>Takes a whole new listing. What lookups learned after it was asked for stays.</summary>
    public void ReplaceListing(List<UnderStorageEntry> entries, long askedAt)
    {
        var next = new Dictionary<string, KnownName>(entries.Count, StringComparer.Ordinal);
        foreach (var (name, metadata, _) in entries)
        {
            next[name] = Renewed(name, metadata, askedAt);
        }

        foreach (var (name, known) in _listed.Concat(_loose))
        {
            if (known.AskedAt > askedAt)
            {
                Apply(next, name, known);
            }
        }

        // Version grows when a name came or went, or when one has other attributes: Renewed keeps the object if not.
        if (_sorted is null || next.Count != _listed.Count
            || next.Any(pair => !_listed.TryGetValue(pair.Key, out var old) || old != pair.Value))
        {
            Version++;
        }

        _listed = next;
        _loose.Clear();
        _sorted = [.. next.Keys];
        _sorted.Sort(StringComparer.Ordinal);
        ListedAt = askedAt;
    }

    /// <summary>Takes the answer of a lookup.</summary>
    public KnownName Learn(string name, FileMetadata? metadata, long askedAt)
    {
        var before = Find(name);
        if (before is not null && before.AskedAt > askedAt)
        {
            return before; // a later question was answered first
        }

        var known = metadata is { } present
            ? Renewed(name, present, askedAt)
            : new KnownName { AskedAt = askedAt };
        if (_sorted is not null && metadata is not null)
        {
            LearnListed(name, known);
        }
        else
        {
            Unlist(name);
            if (_loose.Count >= MaxLooseNames)
            {
                _loose.Clear();
            }

            _loose[name] = known;
        }

        return known;
    }

    private static void Apply(Dictionary<string, KnownName> table, string name, KnownName known)
    {
        if (known.Metadata is null)
        {
            table.Remove(name);
        }
        else
        {
            table[name] = known;
        }
    }

    private static bool LooksTheSame(FileMetadata one, FileMetadata other) =>
        one with { AccessedNs = 0 } == other with { AccessedNs = 0 };

    private KnownName Renewed(string name, FileMetadata metadata, long askedAt)
    {
        if ((_listed.TryGetValue(name, out var old) || _loose.TryGetValue(name, out old))
            && old.Metadata is { } before && LooksTheSame(before, metadata))
        {
            old.AskedAt = Math.Max(old.AskedAt, askedAt);
            return old;
        }

        return new KnownName { Metadata = metadata, AskedAt = askedAt };
    }

    private void LearnListed(string name, KnownName known)
    {
        _loose.Remove(name);
        if (!_listed.TryGetValue(name, out var old))
        {
            var at = _sorted!.BinarySearch(name, StringComparer.Ordinal);
            _sorted.Insert(~at, name);
        }

        Version += old == known ? 0 : 1;
        _listed[name] = known;
    }

    private void Unlist(string name)
    {
        if (_listed.Remove(name))
        {
            _sorted!.RemoveAt(_sorted.BinarySearch(name, StringComparer.Ordinal));
            Version++;
        }
    }
}
