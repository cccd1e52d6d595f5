using System.Security.Cryptography;

namespace OrleansCache.Posix.Tests;

/// <summary>Files with content that a test can recompute.</summary>
internal static class Content
{
    /// <summary>Writes a file of pseudo-random bytes from a seed.</summary>
    internal static void WriteRandom(string path, long length, int seed)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var random = new Random(seed);
        var buffer = new byte[1 << 20];
        using var file = File.Create(path);
        for (long written = 0; written < length; written += buffer.Length)
        {
            random.NextBytes(buffer);
            file.Write(buffer, 0, (int)Math.Min(buffer.Length, length - written));
        }
    }

    /// <summary>A tree of small and middle-sized files, links, empty files and odd names.</summary>
    internal static void WriteTree(string root)
    {
        var random = new Random(20261122);
        for (var folder = 0; folder < 12; folder++)
        {
            for (var file = 0; file < 25; file++)
            {
                WriteRandom(Path.Combine(root, $"dir {folder}", $"sub{folder % 3}", $"file-{file}.bin"), random.Next(0, 200_000), random.Next());
            }
        }

        WriteRandom(Path.Combine(root, "large.bin"), (9L << 20) + 12345, 1);
        File.WriteAllText(Path.Combine(root, "empty"), string.Empty);
        File.WriteAllText(Path.Combine(root, "words.txt"), string.Join('\n', Enumerable.Range(0, 20_000).Select(i => $"needle {i} hay")));
        File.WriteAllText(Path.Combine(root, "naïve – 文件.txt"), "a name beyond ASCII\n");
        File.CreateSymbolicLink(Path.Combine(root, "link"), "dir 0/sub0/file-1.bin");
        File.CreateSymbolicLink(Path.Combine(root, "dangling"), "nowhere");
    }

    /// <summary>SHA-256 of a file in hexadecimal.</summary>
    internal static string Hash(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexString(SHA256.HashData(file));
    }
}
