using System.Text;

namespace OrleansCache.Files;

/// <summary>
/// Linux names are bytes, ours are strings: this is the one reversible mapping between them. Valid UTF-8 maps to itself. A byte
/// that is not part of valid UTF-8 maps to U+F700 plus the byte (U+F780..U+F7FF, private use); a name that really contains one of
/// those characters has each of its bytes mapped that way, so every byte string has exactly one text and back.
/// </summary>
public static class EntryName
{
    /// <summary>Longest name Linux allows, in bytes.</summary>
    public const int MaxBytes = 255;

    private const int EscapeBase = 0xF700;
    private const int EscapeFirst = 0xF780;
    private const int EscapeLast = 0xF7FF;

    /// <summary>Text of a name given as bytes.</summary>
    public static string FromBytes(ReadOnlySpan<byte> name)
    {
        if (Ascii.IsValid(name))
        {
            return Encoding.ASCII.GetString(name);
        }

        var text = new StringBuilder(name.Length);
        Span<char> pair = stackalloc char[2];
        while (!name.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(name, out var rune, out var consumed);
            if (status == System.Buffers.OperationStatus.Done && rune.Value is < EscapeFirst or > EscapeLast)
            {
                text.Append(pair[..rune.EncodeToUtf16(pair)]);
            }
            else
            {
                foreach (var one in name[..consumed])
                {
                    text.Append((char)(EscapeBase + one));
                }
            }

            name = name[consumed..];
        }

        return text.ToString();
    }

    /// <summary>Bytes of a name or path that <see cref="FromBytes"/> (or a user) wrote.</summary>
    /// <exception cref="ArgumentException">The text holds half a surrogate pair: no byte string maps to it.</exception>
    public static byte[] ToBytes(ReadOnlySpan<char> text)
    {
        var bytes = new byte[text.Length * 3];
        var written = 0;
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out var consumed) != System.Buffers.OperationStatus.Done)
            {
                throw new ArgumentException("the name holds half a surrogate pair; no file can have that name", nameof(text));
            }

            if (rune.Value is >= EscapeFirst and <= EscapeLast)
            {
                bytes[written++] = (byte)(rune.Value - EscapeBase);
            }
            else
            {
                written += rune.EncodeToUtf8(bytes.AsSpan(written));
            }

            text = text[consumed..];
        }

        return bytes[..written];
    }
}
