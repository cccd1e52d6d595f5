using System.Buffers;
using System.Globalization;
using System.Text;

namespace OrleansCache.UnderStorage.S3;

/// <summary>Keys as bytes on the wire and as text in here.</summary>
internal static class S3KeyText
{
    /// <summary>Longest key S3 has.</summary>
    public const int MaxBytes = 1024;

    private const int BrokenByteBase = 0xDC00;

    /// <summary>
    /// A key of a listing with <c>encoding-type=url</c>: percent signs are bytes, a plus sign is a space. Bytes that are not valid
    /// UTF-8 become halves of surrogate pairs, so that different keys stay different and <see cref="IsWellFormed"/> tells them.
    /// </summary>
    public static string Decode(string encoded)
    {
        if (encoded.AsSpan().IndexOfAny('%', '+') < 0)
        {
            return encoded;
        }

        var source = Encoding.UTF8.GetBytes(encoded);
        var bytes = new byte[source.Length];
        var length = 0;
        for (var at = 0; at < source.Length; at++)
        {
            if (source[at] == '%' && at + 2 < source.Length && byte.TryParse(
                source.AsSpan(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var one))
            {
                bytes[length++] = one;
                at += 2;
            }
            else
            {
                bytes[length++] = source[at] == '+' ? (byte)' ' : source[at];
            }
        }

        return FromBytes(bytes.AsSpan(0, length));
    }

    /// <summary>Whether the text is a key that can be asked for: no half of a surrogate pair in it.</summary>
    public static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out _, out var consumed) != OperationStatus.Done)
            {
                return false;
            }

            text = text[consumed..];
        }

        return true;
    }

    /// <summary>Whether a key can be sent at all.</summary>
    public static bool IsAddressable(string key) =>
        key.Length > 0 && IsWellFormed(key) && Encoding.UTF8.GetByteCount(key) <= MaxBytes;

    /// <summary>
    /// Whether everybody between us and the store takes this key literally in the path of a URL. Where not (a dot component, a slash
    /// at the beginning), the answer may be about another object: only a listing, whose keys are parameters, is to be believed.
    /// </summary>
    public static bool IsPlain(string key)
    {
        if (key.Length == 0 || key[0] == '/')
        {
            return false;
        }

        foreach (var part in key.AsSpan().Split('/'))
        {
            if (key.AsSpan(part) is "." or "..")
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A key as the SDK must be given it: it takes one slash from the beginning away.</summary>
    public static string ForSdk(string key) => key is ['/', ..] ? "/" + key : key;

    /// <summary>
    /// A text that no key beginning with a prefix is greater than, and every other key behind the prefix is: the prefix and the last
    /// characters there are, as many as fit. Keys have at most <see cref="MaxBytes"/> bytes.
    /// </summary>
    public static string AfterAllOf(string prefix)
    {
        var room = Math.Max(0, MaxBytes - Encoding.UTF8.GetByteCount(prefix));
        var after = new StringBuilder(prefix, prefix.Length + room);
        for (; room >= 4; room -= 4)
        {
            after.Append("\U0010FFFF");
        }

        return after.Append(room switch { 0 => "", 1 => "\u007F", 2 => "\u07FF", _ => "\uFFFF" }).ToString();
    }

    private static string FromBytes(ReadOnlySpan<byte> key)
    {
        var text = new StringBuilder(key.Length);
        Span<char> pair = stackalloc char[2];
        while (!key.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(key, out var rune, out var consumed) == OperationStatus.Done)
            {
                text.Append(pair[..rune.EncodeToUtf16(pair)]);
            }
            else
            {
                foreach (var one in key[..consumed])
                {
                    text.Append((char)(BrokenByteBase + one));
                }
            }

            key = key[consumed..];
        }

        return text.ToString();
    }
}
