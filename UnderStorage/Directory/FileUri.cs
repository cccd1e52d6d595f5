using System.Globalization;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>
/// <c>file:///absolute/path</c>: percent signs with two hexadecimal digits are bytes, everything else is itself. The canonical
/// spelling has no host, no dot components, no empty ones, no slash at the end, and writes a percent sign as %25.
/// </summary>
internal static class FileUri
{
    private const string Prefix = "file://";

    /// <summary>The canonical spelling.</summary>
    /// <exception cref="CacheRequestException">It is not one.</exception>
    public static string Canonicalize(string uri)
    {
        var path = AbsolutePathOf(uri);
        var kept = new List<string>();
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..")
            {
                kept.RemoveRange(Math.Max(0, kept.Count - 1), Math.Min(1, kept.Count));
            }
            else if (part != ".")
            {
                kept.Add(part);
            }
        }

        return $"{Prefix}/{string.Join('/', kept).Replace("%", "%25", StringComparison.Ordinal)}";
    }

    /// <summary>The absolute path a URI names, in the mapping of <see cref="EntryName"/>.</summary>
    /// <exception cref="CacheRequestException">It is not one.</exception>
    public static string AbsolutePathOf(string uri)
    {
        if (!uri.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            throw Refuse(uri, "it does not begin with file://");
        }

        var rest = uri[Prefix.Length..];
        if (rest.StartsWith("localhost/", StringComparison.OrdinalIgnoreCase))
        {
            rest = rest["localhost".Length..];
        }

        if (!rest.StartsWith('/'))
        {
            throw Refuse(uri, "the path must be absolute and on this machine");
        }

        byte[] bytes;
        try
        {
            bytes = DecodePercent(EntryName.ToBytes(rest));
        }
        catch (ArgumentException broken)
        {
            throw Refuse(uri, broken.Message);
        }

        return bytes.AsSpan().Contains((byte)0)
            ? throw Refuse(uri, "a path cannot contain a zero byte")
            : bytes.Length > SourcePath.MaxBytes
            ? throw Refuse(uri, $"the path is longer than {SourcePath.MaxBytes} bytes")
            : EntryName.FromBytes(bytes);
    }

    private static byte[] DecodePercent(ReadOnlySpan<byte> text)
    {
        var decoded = new List<byte>(text.Length);
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] == '%' && at + 2 < text.Length
                && byte.TryParse(text.Slice(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var one))
            {
                decoded.Add(one);
                at += 2;
            }
            else
            {
                decoded.Add(text[at]);
            }
        }

        return [.. decoded];
    }

    private static CacheRequestException Refuse(string uri, string why) => new(
        RequestError.InvalidArgument, $"'{uri}' is not the URI of a directory: {why}. Write it as file:///absolute/path.");
}
