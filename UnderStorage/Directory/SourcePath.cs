using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>A path inside a source as the kernel wants it: relative, clean, NUL-terminated bytes.</summary>
internal static class SourcePath
{
    /// <summary>Linux refuses longer paths.</summary>
    public const int MaxBytes = 4095;

    /// <summary>
    /// The bytes of a path, or null when no file can have it: absolute, empty or dot components, NUL, too long. The root is ".".
    /// </summary>
    public static byte[]? ToNative(string path)
    {
        if (path.Length == 0)
        {
            return [(byte)'.', 0];
        }

        foreach (var range in path.AsSpan().Split('/'))
        {
            if (path.AsSpan()[range] is "" or "." or "..")
            {
                return null;
            }
        }

        byte[] bytes;
        try
        {
            bytes = EntryName.ToBytes(path);
        }
        catch (ArgumentException)
        {
            return null; // half a surrogate pair: the mapping says that no name has this text
        }

        if (bytes.Length > MaxBytes || bytes.AsSpan().Contains((byte)0))
        {
            return null;
        }

        // A private-use character may stand for any byte above 0x7F, so bytes cannot smuggle in a slash or a dot here.
        Array.Resize(ref bytes, bytes.Length + 1);
        return bytes;
    }
}
