namespace OrleansCache.Grains.Listings;

/// <summary>Paths inside a source: without leading or trailing slash, empty for the root.</summary>
public static class PathInSource
{
    /// <summary>Whether a path is another one or below it.</summary>
    public static bool IsWithin(string path, string above) => above.Length == 0 || path == above
        || (path.Length > above.Length && path[above.Length] == '/' && path.StartsWith(above, StringComparison.Ordinal));

    /// <summary>The path of the directory that holds a path; the root's own for the root.</summary>
    public static string ParentOf(string path) => path.LastIndexOf('/') is var slash and >= 0 ? path[..slash] : "";
}
