using System.Globalization;
using System.Text;

namespace OrleansCache.Fakes.S3;

/// <summary>Requests on one object.</summary>
internal sealed class ObjectOperations(FakeS3 store)
{
    private static readonly string[] KeptHeaders =
        ["Content-Type", "Cache-Control", "Content-Disposition", "Content-Language", "Content-Encoding", "Expires"];

    /// <summary>GET and HEAD.</summary>
    public static async Task ReadAsync(S3Exchange exchange, FakeBucket bucket)
    {
        var request = exchange.Request;
        var found = bucket.Find(request.Key) ?? throw S3Failure.NoSuchKey();
        if (exchange.Trouble?.ServePrevious == true)
        {
            found = found.Previous ?? found;
        }

        var notModified = exchange.Trouble?.IgnoreConditions != true && Conditions.NotModified(request, found);
        var headers = exchange.Response.Headers;
        headers.ETag = $"\"{found.ETag}\"";
        headers.LastModified = found.LastModified.ToString("r", CultureInfo.InvariantCulture);
        if (notModified)
        {
            exchange.Answer(304);
            return;
        }

        var range = Range(request.Header("Range"), found.Content.Length);
        headers.AcceptRanges = "bytes";
        headers.ContentType = "binary/octet-stream";
        foreach (var (name, value) in found.Headers)
        {
            var isChecksum = name.StartsWith("x-amz-checksum-", StringComparison.Ordinal);
            if (!isChecksum || (range is null && request.Header("x-amz-checksum-mode") == "ENABLED"))
            {
                headers[name] = value;
            }
        }

        var (offset, length) = range ?? (0, found.Content.Length);
        if (range is not null || exchange.Trouble?.WrongContentRange == true)
        {
            headers.ContentRange = exchange.ContentRange(offset, length, found.Content.Length);
        }

        await exchange.SendAsync(range is null ? 200 : 206, found.Content, offset, length).ConfigureAwait(false);
    }

    public static async Task PutAsync(S3Exchange exchange, FakeBucket bucket, SignatureV4? signature)
    {
        var (bytes, checksums) = await exchange.ReadBodyWithChecksumsAsync(signature).ConfigureAwait(false);
        var headers = HeadersOf(exchange.Request, checksums);
        var put = bucket.Put(
            exchange.Request.Key, ObjectContent.Of(bytes), FakeObject.ETagOf(bytes), headers,
            Conditions.ForWrite(exchange.Request, exchange.Trouble?.IgnoreConditions == true));
        exchange.Response.Headers.ETag = $"\"{put.ETag}\"";
        foreach (var (name, value) in checksums)
        {
            exchange.Response.Headers[name] = value;
        }

        exchange.Answer(200);
    }

    public static void Delete(S3Exchange exchange, FakeBucket bucket)
    {
        if (exchange.Request.Header("If-Match") is null)
        {
            bucket.Delete(exchange.Request.Key);
        }
        else
        {
            bucket.Delete(exchange.Request.Key, Conditions.ForWrite(exchange.Request, exchange.Trouble?.IgnoreConditions == true));
        }

        exchange.Answer(204);
    }

    public async Task CopyAsync(S3Exchange exchange, FakeBucket bucket)
    {
        var source = CopySource(exchange.Request);
        var headers = exchange.Request.Header("x-amz-metadata-directive") == "REPLACE"
            ? HeadersOf(exchange.Request, [])
            : source.Headers;
        var put = bucket.Put(
            exchange.Request.Key, source.Content, source.ETag, headers,
            Conditions.ForWrite(exchange.Request, exchange.Trouble?.IgnoreConditions == true));
        await exchange.AnswerAsync(200, CopyResult("CopyObjectResult", put.LastModified, put.ETag)).ConfigureAwait(false);
    }

    /// <summary>The object a copy is made of, its own conditions checked.</summary>
    public FakeObject CopySource(S3Request request)
    {
        var path = ObjectKey.UrlDecode(request.Header("x-amz-copy-source")!).TrimStart('/');
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
        {
            throw S3Failure.InvalidArgument("x-amz-copy-source must be bucket/key");
        }

        var found = (store.TryBucket(path[..slash]) ?? throw S3Failure.NoSuchBucket()).Find(path[(slash + 1)..])
            ?? throw S3Failure.NoSuchKey();
        return Conditions.NotModified(request, found, "x-amz-copy-source-") ? throw S3Failure.PreconditionFailed() : found;
    }

    public static byte[] CopyResult(string root, DateTimeOffset modified, string etag) => S3Xml.Write(
        root, S3Xml.Element("LastModified", S3Xml.Date(modified)), S3Xml.Element("ETag", $"\"{etag}\""));

    /// <summary>The headers of a request that belong to the object.</summary>
    public static Dictionary<string, string> HeadersOf(S3Request request, Dictionary<string, string> checksums)
    {
        var kept = new Dictionary<string, string>(checksums);
        foreach (var (name, value) in request.Context.Request.Headers)
        {
            if (name.StartsWith("x-amz-meta-", StringComparison.OrdinalIgnoreCase)
                || KeptHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                kept[name] = value.ToString();
            }
        }

        if (kept.TryGetValue("Content-Encoding", out var encoding))
        {
            var rest = encoding.Split(',', StringSplitOptions.TrimEntries).Where(one => one != "aws-chunked").ToList();
            kept["Content-Encoding"] = string.Join(',', rest);
            if (rest.Count == 0)
            {
                kept.Remove("Content-Encoding");
            }
        }

        return kept;
    }

    /// <summary>The range a header asks for; null for the whole object (also when the header makes no sense, as HTTP has it).</summary>
    public static (long Offset, long Length)? Range(string? header, long total)
    {
        if (header is null || !header.StartsWith("bytes=", StringComparison.Ordinal) || header.Contains(',', StringComparison.Ordinal)
            || header[6..].Split('-') is not [var first, var last])
        {
            return null;
        }

        var hasFirst = long.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var from);
        var hasLast = long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var to);
        if ((!hasFirst && !hasLast) || (hasFirst && last.Length > 0 && (!hasLast || to < from)))
        {
            return null;
        }

        if (!hasFirst)
        {
            (from, to) = (Math.Max(0, total - to), to == 0 ? -1 : total - 1); // The last bytes.
        }
        else if (!hasLast)
        {
            to = total - 1;
        }

        return from >= total || to < from
            ? throw new S3Failure(416, "InvalidRange", "The requested range is not satisfiable")
            {
                Headers = new Dictionary<string, string> { ["Content-Range"] = string.Create(CultureInfo.InvariantCulture, $"bytes */{total}") },
            }
            : (from, Math.Min(to, total - 1) - from + 1);
    }

    /// <summary>The tag of a part that was copied: a function of what it was copied from.</summary>
    public static string ETagOfRange(FakeObject source, long offset, long length) => FakeObject.ETagOf(
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{source.ETag} {offset} {length}")));
}
