using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace OrleansCache.Fakes.S3;

/// <summary>
/// Reads a request's body whole, decodes aws-chunked with or without signatures and trailers, and believes nothing:
/// lengths, hashes, chunk signatures and checksums are all compared.
/// </summary>
internal static class RequestBody
{
    private const int MaxBytes = 1 << 30; // Bodies are held in memory: larger ones go in parts or are synthetic.

    /// <summary>The decoded bytes and the checksum headers that came with them.</summary>
    public static async Task<(byte[] Bytes, Dictionary<string, string> Checksums)> ReadAsync(
        S3Request request, SignatureV4? signature, CancellationToken cancellationToken)
    {
        var raw = await ReadRawAsync(request, cancellationToken).ConfigureAwait(false);
        var trailers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var hash = request.Header("x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD";
        var bytes = hash.StartsWith("STREAMING-", StringComparison.Ordinal)
            ? Decode(request, raw, hash.Contains("-AWS4-HMAC-SHA256-", StringComparison.Ordinal) ? signature : null, trailers)
            : raw;
        if (!hash.StartsWith("STREAMING-", StringComparison.Ordinal) && hash != "UNSIGNED-PAYLOAD"
            && hash != FakeObject.Hex(SHA256.HashData(bytes)))
        {
            throw new S3Failure(
                400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.");
        }

        if (request.Header("Content-MD5") is { } md5 && md5 != Convert.ToBase64String(Digests.Md5(bytes)))
        {
            throw new S3Failure(400, "BadDigest", "The Content-MD5 you specified did not match what we received.");
        }

        return (bytes, Checksums(request, trailers, bytes));
    }

    private static Dictionary<string, string> Checksums(S3Request request, Dictionary<string, string> trailers, byte[] bytes)
    {
        foreach (var name in (request.Header("x-amz-trailer") ?? string.Empty).Split(',', StringSplitOptions.TrimEntries))
        {
            if (name.Length > 0 && !trailers.ContainsKey(name))
            {
                throw new S3Failure(400, "MalformedTrailerError", "The request contained trailing data that was not well-formed.");
            }
        }

        var found = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var given = request.Context.Request.Headers.Select(header => KeyValuePair.Create(header.Key, header.Value.ToString()));
        foreach (var (name, value) in given.Concat(trailers))
        {
            var header = name.ToLowerInvariant();
            if (Digests.Checksum(header, bytes) is not { } computed)
            {
                continue;
            }

            found[header] = computed == value ? value : throw new S3Failure(
                400, "BadDigest", $"The {header[6..]} you specified did not match the calculated checksum.");
        }

        return found;
    }

    private static async Task<byte[]> ReadRawAsync(S3Request request, CancellationToken cancellationToken)
    {
        var length = request.Context.Request.ContentLength;
        if (length > MaxBytes)
        {
            throw new S3Failure(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
        }

        if (length is { } known)
        {
            var bytes = new byte[known];
            await request.Context.Request.Body.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
            return bytes;
        }

        using var buffer = new MemoryStream();
        await request.Context.Request.Body.CopyToAsync(buffer, cancellationToken).ConfigureAwait(false);
        return buffer.ToArray();
    }

    // chunk: HEX-LENGTH[;chunk-signature=HEX]\r\n BYTES \r\n; the last has length 0 and is followed by trailer lines.
    private static byte[] Decode(S3Request request, byte[] raw, SignatureV4? signature, Dictionary<string, string> trailers)
    {
        var decoded = new MemoryStream(raw.Length);
        var at = 0;
        int length;
        do
        {
            var header = Line(raw, ref at).Split(';', 2);
            if (!int.TryParse(header[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out length) || at + length > raw.Length)
            {
                throw Incomplete();
            }

            var chunk = raw.AsSpan(at, length);
            signature?.CheckChunk(header[^1].Replace("chunk-signature=", string.Empty, StringComparison.Ordinal), chunk);
            decoded.Write(chunk);
            at += length;
            if (length > 0 && Line(raw, ref at).Length > 0)
            {
                throw Incomplete();
            }
        }
        while (length > 0);
        Trailers(raw, at, signature, trailers);
        var expected = request.Header("x-amz-decoded-content-length")
            ?? throw new S3Failure(411, "MissingContentLength", "You must provide the x-amz-decoded-content-length HTTP header.");
        return decoded.Length.ToString(CultureInfo.InvariantCulture) == expected ? decoded.ToArray() : throw Incomplete();
    }

    private static void Trailers(byte[] raw, int at, SignatureV4? signature, Dictionary<string, string> trailers)
    {
        var signed = new StringBuilder();
        while (at < raw.Length)
        {
            var line = Line(raw, ref at);
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0)
            {
                continue; // The empty line that ends the body.
            }

            var (name, value) = (line[..colon].Trim(), line[(colon + 1)..].Trim());
            if (name.Equals("x-amz-trailer-signature", StringComparison.OrdinalIgnoreCase))
            {
                signature?.CheckTrailer(value, signed.ToString());
                continue;
            }

            trailers[name] = value;
            signed.Append(name.ToLowerInvariant()).Append(':').Append(value).Append('\n');
        }
    }

    private static string Line(byte[] raw, ref int at)
    {
        var end = raw.AsSpan(at).IndexOf("\r\n"u8);
        if (end < 0)
        {
            throw Incomplete();
        }

        var line = Encoding.Latin1.GetString(raw, at, end);
        at += end + 2;
        return line;
    }

    private static S3Failure Incomplete() =>
        new(400, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.");
}
