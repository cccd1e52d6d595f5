using System.Globalization;

namespace OrleansCache.Fakes.S3;

/// <summary>One version of an object.</summary>
public sealed class FakeObject
{
    /// <summary>Its bytes.</summary>
    public required ObjectContent Content { get; init; }

    /// <summary>Its ETag without quotes.</summary>
    public required string ETag { get; init; }

    /// <summary>When it was written.</summary>
    public required DateTimeOffset LastModified { get; init; }

    /// <summary>Headers that come back with it: content type, metadata, checksums.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The version it replaced, for stores that answer with old ones; one deep.</summary>
    internal FakeObject? Previous { get; init; }

    /// <summary>The ETag of held bytes: their MD5, as S3 does it.</summary>
    public static string ETagOf(ReadOnlySpan<byte> bytes) => Hex(Digests.Md5(bytes));

    /// <summary>
    /// The ETag of synthetic content: a function of seed and length. It looks like a multipart upload's, for the SDK takes
    /// any other for an MD5 and checks it.
    /// </summary>
    public static string SyntheticETag(ulong seed, long length) => string.Create(
        CultureInfo.InvariantCulture, $"{SyntheticBytes.Mix(seed ^ 0xE7A6):x16}{SyntheticBytes.Mix(seed + (ulong)length):x16}-1");

    internal static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    internal FakeObject Replacing(FakeObject? previous) => new()
    {
        Content = Content,
        ETag = ETag,
        LastModified = LastModified,
        Headers = Headers,
        Previous = previous is null
            ? null
            : new FakeObject
            {
                Content = previous.Content,
                ETag = previous.ETag,
                LastModified = previous.LastModified,
                Headers = previous.Headers,
            },
    };
}
