using System.Text;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// <c>s3://bucket[/prefix]</c>, every character meaning itself (no percent encoding, as other S3 tools have it). The canonical
/// spelling has no slash at the end.
/// </summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Prefix">Empty, or what every key of the source begins with, slash at its end included.</param>
internal readonly record struct S3Uri(string Bucket, string Prefix)
{
    /// <summary>Longest prefix: leaves room for a name below it in a key's 1,024 bytes.</summary>
    private const int MaxPrefixBytes = 900;

    private const string Scheme = "s3://";

    /// <summary>Reads one.</summary>
    /// <exception cref="CacheRequestException">It is not one.</exception>
    public static S3Uri Parse(string uri)
    {
        if (!uri.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            throw Refuse(uri, "it does not begin with s3://");
        }

        var rest = uri[Scheme.Length..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var bucket = slash < 0 ? rest : rest[..slash];
        if (rest.Contains('@', StringComparison.Ordinal) && bucket.AsSpan().IndexOfAny('@', ':') >= 0)
        {
            // Not shown: it may hold a secret.
            throw new CacheRequestException(RequestError.InvalidArgument,
                "credentials do not belong into the URI of a bucket. Put them into the silo's environment or a file (option credentials-file).");
        }

        if (bucket.Length is < 3 or > 255 || !char.IsAsciiLetterOrDigit(bucket[0])
            || !bucket.All(one => char.IsAsciiLetterOrDigit(one) || one is '.' or '-' or '_')
            || bucket.Contains("..", StringComparison.Ordinal))
        {
            throw Refuse(uri, "a bucket's name has 3 to 255 letters, digits, '.', '-' or '_'");
        }

        var prefix = slash < 0 ? "" : rest[(slash + 1)..];
        prefix = prefix.EndsWith('/') ? prefix[..^1] : prefix;
        return new S3Uri(bucket, prefix.Length == 0 ? "" : CheckedPrefix(uri, prefix) + "/");
    }

    /// <summary>The canonical spelling.</summary>
    public override string ToString() => Prefix.Length == 0 ? $"{Scheme}{Bucket}" : $"{Scheme}{Bucket}/{Prefix[..^1]}";

    private static string CheckedPrefix(string uri, string prefix)
    {
        if (!S3KeyText.IsWellFormed(prefix) || prefix.Any(char.IsControl))
        {
            throw Refuse(uri, "the prefix has a character that no key can have");
        }

        if (Encoding.UTF8.GetByteCount(prefix) > MaxPrefixBytes)
        {
            throw Refuse(uri, $"the prefix is longer than {MaxPrefixBytes} bytes");
        }

        return prefix.Split('/').Any(part => part is "" or "." or "..")
            ? throw Refuse(uri, "the prefix has a part that is empty, '.' or '..', which not every server takes literally")
            : prefix;
    }

    private static CacheRequestException Refuse(string uri, string why) => new(
        RequestError.InvalidArgument, $"'{uri}' is not the URI of a bucket: {why}. Write it as s3://bucket or s3://bucket/prefix.");
}
