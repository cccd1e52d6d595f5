using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace OrleansCache.Files;

/// <summary>
/// Names an under storage root: derived from its canonical URI, so that detaching and attaching again finds the same blocks.
/// </summary>
/// <param name="Value">First eight bytes of SHA-256 over the canonical URI.</param>
[GenerateSerializer, Immutable, Alias("src")]
public readonly record struct SourceId([property: Id(0)] ulong Value)
{
    /// <summary>The id of a source by its canonical URI, such as <c>file:///data/imagenet</c>.</summary>
    public static SourceId FromUri(string canonicalUri)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(canonicalUri), hash);
        return new SourceId(BinaryPrimitives.ReadUInt64BigEndian(hash));
    }

    /// <summary>Sixteen hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
