namespace OrleansCache.Demo;

/// <summary>The regular files below a folder. Links are not followed and not counted.</summary>
/// <param name="Root">The folder.</param>
/// <param name="Files">Paths relative to it, in ordinal order.</param>
/// <param name="Bytes">Sum of their lengths.</param>
internal sealed record Dataset(string Root, IReadOnlyList<string> Files, long Bytes)
{
    /// <summary>The .NET SDK's folder: real, and on every machine that can build us.</summary>
    public static string DefaultRoot => Path.GetFullPath(Path.Combine(
        System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    /// <summary>Looks a folder through.</summary>
    public static Dataset Scan(string root)
    {
        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Device,
            IgnoreInaccessible = false,
        };
        var files = new DirectoryInfo(root).EnumerateFiles("*", options)
            .Where(file => file.LinkTarget is null)
            .Select(file => (Path: Path.GetRelativePath(root, file.FullName), file.Length))
            .OrderBy(file => file.Path, StringComparer.Ordinal)
            .ToList();
        return new Dataset(root, [.. files.Select(file => file.Path)], files.Sum(file => file.Length));
    }
}
