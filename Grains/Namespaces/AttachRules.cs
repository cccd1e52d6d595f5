using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Namespaces;

/// <summary>Which sources may stand side by side in the namespace.</summary>
internal static class AttachRules
{
    /// <summary>More sources than anybody has, few enough for one grain message.</summary>
    public const int MaxSources = 128;

    /// <summary>Refuses a path that is taken or overlaps, a source that is attached already, and too many.</summary>
    /// <exception cref="CacheRequestException">Why it cannot be attached and what to do.</exception>
    public static void Check(IReadOnlyCollection<StoredSource> attached, string path, SourceIdentity identity)
    {
        foreach (var other in attached)
        {
            if (other.Path == path)
            {
                throw Taken($"'{path}' is taken by {other.Uri}. Detach it first (ocache detach {path}) or choose another path.");
            }

            if (NamespacePath.Overlap(other.Path, path))
            {
                throw Taken($"'{path}' overlaps '{other.Path}' ({other.Uri}). Sources cannot lie within each other: choose a path beside it.");
            }

            if (other.Id == identity.Id)
            {
                throw Taken($"{identity.Uri} is attached at '{other.Path}' already. Use it there, or detach it first (ocache detach {other.Path}).");
            }
        }

        if (attached.Count >= MaxSources)
        {
            throw new CacheRequestException(
                RequestError.InvalidArgument, $"{MaxSources} sources are attached, which is the limit. Detach one first.");
        }
    }

    /// <summary>The source attached at a path.</summary>
    /// <exception cref="CacheRequestException">There is none.</exception>
    public static StoredSource Find(IReadOnlyCollection<StoredSource> attached, string path) =>
        attached.FirstOrDefault(source => source.Path == path)
        ?? throw new CacheRequestException(
            RequestError.NotFound,
            $"nothing is attached at '{path}'. " + (attached.Count == 0
                ? "Nothing is attached at all."
                : $"Attached are: {string.Join(", ", attached.Select(source => source.Path).Take(20))}."));

    private static CacheRequestException Taken(string message) => new(RequestError.AlreadyExists, message);
}
