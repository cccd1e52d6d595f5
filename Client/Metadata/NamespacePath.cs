using OrleansCache.Files;

namespace OrleansCache.Metadata;

/// <summary>Absolute namespace paths: <c>/</c>, or <c>/</c> and names separated by one <c>/</c>.</summary>
internal static class NamespacePath
{
    /// <summary>The root.</summary>
    public const string Root = "/";

    /// <summary>Longest path, as Linux has it.</summary>
    public const int MaxBytes = 4096;

    /// <summary>Path of an entry.</summary>
    public static string Combine(string directory, string name) =>
        directory.Length == 1 ? string.Concat(Root, name) : string.Concat(directory, "/", name);

    /// <summary>Path of what contains it; the root contains itself.</summary>
    public static string ParentOf(string path)
    {
        var slash = path.LastIndexOf('/');
        return slash <= 0 ? Root : path[..slash];
    }

    /// <summary>Last name; empty for the root.</summary>
    public static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    /// <summary>Whether a name can be an entry's.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= EntryName.MaxBytes && name is not ("." or "..") && name.AsSpan().IndexOfAny('/', '\0') < 0;

    /// <summary>Cleans what a person typed: repeated and trailing slashes, <c>.</c> and <c>..</c>.</summary>
    /// <returns>False when it is not absolute, too long or has impossible names.</returns>
    public static bool TryNormalize(string text, out string path)
    {
        path = Root;
        if (text.Length is 0 or > MaxBytes || text[0] != '/' || text.Contains('\0', StringComparison.Ordinal))
        {
            return false;
        }

        var names = new List<string>();
        foreach (var name in text.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            switch (name)
            {
                case ".":
                    continue;
                case "..":
                    names.RemoveRange(Math.Max(names.Count - 1, 0), Math.Min(names.Count, 1));
                    continue;
                case { Length: > EntryName.MaxBytes }:
                    return false;
                default:
                    names.Add(name);
                    continue;
            }
        }

        path = Root + string.Join('/', names);
        return true;
    }
}
