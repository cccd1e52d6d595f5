using System.Runtime.InteropServices;
using OrleansCache.Files;

namespace OrleansCache.PowerCut;

/// <summary>The bytes every file must have: a function of key and offset, never zero for long, so that holes and mix-ups show.</summary>
public static class Pattern
{
    public static void Fill(FileKey file, long offsetBytes, Span<byte> into)
    {
        if (offsetBytes % 8 != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(offsetBytes));
        }

        var words = MemoryMarshal.Cast<byte, ulong>(into);
        var index = (ulong)offsetBytes / 8;
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = Mix(file, index + (ulong)i);
        }

        Span<byte> last = stackalloc byte[8];
        MemoryMarshal.Write(last, Mix(file, index + (ulong)words.Length));
        last[..(into.Length % 8)].CopyTo(into[(words.Length * 8)..]);
    }

    public static bool Matches(FileKey file, long offsetBytes, ReadOnlySpan<byte> bytes)
    {
        var expected = new byte[bytes.Length];
        Fill(file, offsetBytes, expected);
        return bytes.SequenceEqual(expected);
    }

    private static ulong Mix(FileKey file, ulong index)
    {
        var x = (file.High ^ (file.Low * 0x9E3779B97F4A7C15)) + (index * 0xBF58476D1CE4E5B9);
        x = (x ^ (x >> 31)) * 0x94D049BB133111EB;
        return x ^ (x >> 29) | 1;
    }
}
