using OrleansCache.Linux;

namespace OrleansCache.Silo.Hosting;

/// <summary>
/// Files that are there wholly or not at all, also after a power cut: written beside, synced, renamed, directory synced.
/// </summary>
internal static class DurableFile
{
    /// <summary>Writes or replaces a file that only its owner can read (0600).</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var temporary = $"{path}.new";
        using (var handle = FileOpening.Open(temporary, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Truncate))
        {
            RandomAccess.Write(handle, content, 0);
            FileSpace.Sync(handle);
        }

        File.Move(temporary, path, overwrite: true);
        using var directory = FileOpening.Open(Path.GetDirectoryName(path)!, OpenFlags.Directory);
        FileSpace.Sync(directory);
    }
}
