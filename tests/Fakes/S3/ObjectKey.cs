using System.Buffers;
using System.Text;

namespace OrleansCache.Fakes.S3;

/// <summary>
/// Keys are bytes on the wire and strings in C#. Bytes that are not UTF-8 become lone surrogates U+DC80..U+DCFF
/// (as Python does for file names), so every key has a string and every such string has one key.
/// </summary>
public static class ObjectKey
{
    private const int EscapeBase = 0xDC00;

    /// <summary>The order of listings: the bytes' order.</summary>
    public static IComparer<string> Order { get; } = Comparer<string>.Create(Compare);

    /// <summary>The string of a key's bytes.</summary>
    public static string FromBytes(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        Span<char> chars = stackalloc char[2];
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var used) == OperationStatus.Done)
            {
                text.Append(chars[..rune.EncodeToUtf16(chars)]);
            }
            else
            {
                for (var i = 0; i < used; i++)
                {
                    text.Append((char)(EscapeBase + bytes[i]));
                }
            }

            bytes = bytes[used..];
        }

        return text.ToString();
    }

    /// <summary>The bytes of a key.</summary>
    public static byte[] ToBytes(string key)
    {
        Span<byte> bytes = key.Length <= 1024 ? stackalloc byte[key.Length * 3] : new byte[key.Length * 3];
        return bytes[..Encode(key, bytes)].ToArray();
    }

    /// <summary>Percent-encodes everything but unreserved characters, and slashes when asked to keep them.</summary>
    public static string UrlEncode(string key, bool keepSlash)
    {
        var bytes = ToBytes(key);
        var text = new StringBuilder(bytes.Length);
        foreach (var one in bytes)
        {
            if (char.IsAsciiLetterOrDigit((char)one) || one is (byte)'-' or (byte)'_' or (byte)'.' or (byte)'~' || (keepSlash && one == '/'))
            {
                text.Append((char)one);
            }
            else
            {
                text.Append('%').Append(one.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            }
        }

        return text.ToString();
    }

    /// <summary>Undoes percent-encoding; a plus sign is itself, except in queries of forms.</summary>
    public static string UrlDecode(string text)
    {
        if (!text.Contains('%', StringComparison.Ordinal) && Ascii.IsValid(text))
        {
            return text;
        }

        var raw = Encoding.Latin1.GetBytes(text);
        var bytes = new byte[raw.Length];
        var length = 0;
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] == '%' && i + 2 < raw.Length && char.IsAsciiHexDigit((char)raw[i + 1]) && char.IsAsciiHexDigit((char)raw[i + 2]))
            {
                bytes[length++] = Convert.FromHexString(text.AsSpan(i + 1, 2))[0];
                i += 2;
            }
            else
            {
                bytes[length++] = raw[i];
            }
        }

        return FromBytes(bytes.AsSpan(0, length));
    }

    private static int Compare(string? left, string? right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        if (Ascii.IsValid(left) && Ascii.IsValid(right))
        {
            return string.CompareOrdinal(left, right);
        }

        return ToBytes(left).AsSpan().SequenceCompareTo(ToBytes(right));
    }

    private static int Encode(string key, Span<byte> bytes)
    {
        var length = 0;
        for (var i = 0; i < key.Length;)
        {
            if (Rune.DecodeFromUtf16(key.AsSpan(i), out var rune, out var used) == OperationStatus.Done)
            {
                length += rune.EncodeToUtf8(bytes[length..]);
            }
            else
            {
                bytes[length++] = (byte)(key[i] - EscapeBase);
            }

            i += used;
        }

        return length;
    }
}
