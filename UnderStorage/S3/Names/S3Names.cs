using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// The one reversible mapping between keys and paths (docs/SEMANTICS.md §8). The pieces of a key between slashes are its segments,
/// and a segment is its own name, but for those no path can hold: <c>%empty</c>, <c>%dot</c> and <c>%dotdot</c> stand for
/// "", "." and "..". Where an object and a prefix want one name, one of them gets <c>%object</c> or <c>%prefix</c> behind it. Segments
/// that look like one of these get one more <c>%</c>, so no two keys share a path and a path means the same key for ever.
/// </summary>
internal static class S3Names
{
    /// <summary>Behind the name of a directory whose name a file has.</summary>
    public const string PrefixSuffix = "%prefix";

    /// <summary>Behind the name of an empty file whose name a directory has.</summary>
    public const string ObjectSuffix = "%object";

    /// <summary>The name of the empty segment.</summary>
    public const string Empty = "%empty";

    private const char Escape = '%';
    private const char Replacement = '\uFFFD';
    private static readonly string[] Unnamable = ["", ".", ".."];
    private static readonly string[] NamesOfUnnamable = ["empty", "dot", "dotdot"];

    /// <summary>
    /// Whether a key (or a part of one) is surely what the store holds. Text decoders put U+FFFD for bytes that are not UTF-8, so a key
    /// with that character may be any of many, and may stand anywhere in the order; half a surrogate has no bytes at all.
    /// </summary>
    public static bool IsCertain(ReadOnlySpan<char> key)
    {
        while (!key.IsEmpty)
        {
            if (key[0] == Replacement || Rune.DecodeFromUtf16(key, out _, out var consumed) != OperationStatus.Done)
            {
                return false;
            }

            key = key[consumed..];
        }

        return true;
    }

    /// <summary>The name of a segment.</summary>
    /// <param name="segment">A segment that <see cref="IsCertain"/>.</param>
    /// <param name="suffix">Nothing, <see cref="PrefixSuffix"/> or <see cref="ObjectSuffix"/>.</param>
    /// <returns>Null when Linux allows no such name: longer than 255 bytes, or with NUL.</returns>
    public static string? ToName(string segment, string suffix = "")
    {
        if (segment.Contains('\0'))
        {
            return null;
        }

        var escaped = EscapeSegment(segment) + suffix;
        if (Ascii.IsValid(escaped))
        {
            return escaped.Length > EntryName.MaxBytes ? null : escaped;
        }

        var bytes = Encoding.UTF8.GetBytes(escaped);
        return bytes.Length > EntryName.MaxBytes ? null : EntryName.FromBytes(bytes);
    }

    /// <summary>
    /// What a path means. A name that the listing gives is understood for ever, also when it is not needed any more (a
    /// <c>%prefix</c> whose file is gone): it means the same key.
    /// </summary>
    /// <returns>False when no listing can give this path.</returns>
    public static bool TryResolve(string path, out S3Place place)
    {
        place = S3Place.Root;
        if (path.Length == 0)
        {
            return true;
        }

        var key = new StringBuilder(path.Length);
        var kind = S3PlaceKind.Any;
        var isFirst = true;
        foreach (var range in path.AsSpan().Split('/'))
        {
            if (kind == S3PlaceKind.ObjectOnly || !TryResolveName(path.AsSpan()[range], out var segment, out kind))
            {
                return false;
            }

            key.Append(isFirst ? string.Empty : "/").Append(segment);
            isFirst = false;
        }

        place = new S3Place(key.ToString(), kind);
        return true;
    }

    /// <summary>A key as people may see it: what a terminal or an encoder trips over is written as <c>\u0000</c>.</summary>
    public static string ForPeople(string key)
    {
        var text = new StringBuilder(key.Length);
        var rest = key.AsSpan();
        while (!rest.IsEmpty)
        {
            var isWhole = Rune.DecodeFromUtf16(rest, out var rune, out var consumed) == OperationStatus.Done;
            if (isWhole && !Rune.IsControl(rune) && rest[0] != Replacement)
            {
                text.Append(rest[..consumed]);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)rest[0]:X4}");
            }

            rest = rest[consumed..];
        }

        return text.ToString();
    }

    private static string EscapeSegment(string segment)
    {
        var index = Array.IndexOf(Unnamable, segment);
        if (index >= 0)
        {
            return Escape + NamesOfUnnamable[index];
        }

        if (IsEscapedUnnamable(segment))
        {
            return Escape + segment;
        }

        return EndsInSuffix(segment.AsSpan().TrimEnd(Escape)) ? segment + Escape : segment;
    }

    private static bool TryResolveName(ReadOnlySpan<char> name, [NotNullWhen(true)] out string? segment, out S3PlaceKind kind)
    {
        kind = S3PlaceKind.Any;
        segment = ToKeyText(name);
        if (segment is null or "" or "." or "..")
        {
            return false;
        }

        if (EndsInSuffix(segment))
        {
            kind = segment.EndsWith(PrefixSuffix, StringComparison.Ordinal) ? S3PlaceKind.PrefixOnly : S3PlaceKind.ObjectOnly;
            segment = segment[..^PrefixSuffix.Length];
            if (segment is "" or "." or ".." || EndsInSuffix(segment))
            {
                return false; // none of these is a name: they would have been escaped
            }
        }

        if (IsEscapedUnnamable(segment))
        {
            var index = Array.IndexOf(NamesOfUnnamable, segment[1..]);
            segment = index >= 0 ? Unnamable[index] : segment[1..];
        }
        else if (segment[^1] == Escape && EndsInSuffix(segment.AsSpan().TrimEnd(Escape)))
        {
            segment = segment[..^1];
        }

        return true;
    }

    /// <summary>A name as the store's text: null when it has none, or when it is not how <see cref="EntryName"/> writes it.</summary>
    private static string? ToKeyText(ReadOnlySpan<char> name)
    {
        if (Ascii.IsValid(name))
        {
            return name.Length > EntryName.MaxBytes || name.Contains('\0') ? null : name.ToString();
        }

        if (name.Contains('\0') || !IsCertain(name))
        {
            return null;
        }

        var bytes = EntryName.ToBytes(name);
        var isCanonical = Utf8.IsValid(bytes) && name.SequenceEqual(EntryName.FromBytes(bytes));
        if (bytes.Length > EntryName.MaxBytes || !isCanonical)
        {
            return null;
        }

        var text = Encoding.UTF8.GetString(bytes);
        return IsCertain(text) ? text : null;
    }

    private static bool IsEscapedUnnamable(string segment) => segment is [Escape, ..]
        && segment.AsSpan().TrimStart(Escape) is "empty" or "dot" or "dotdot";

    private static bool EndsInSuffix(ReadOnlySpan<char> segment) =>
        segment.EndsWith(PrefixSuffix, StringComparison.Ordinal) || segment.EndsWith(ObjectSuffix, StringComparison.Ordinal);
}
