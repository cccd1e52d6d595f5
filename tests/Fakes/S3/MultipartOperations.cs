using System.Collections.Concurrent;
using System.Globalization;
using System.Xml.Linq;

namespace OrleansCache.Fakes.S3;

/// <summary>Multipart uploads.</summary>
internal sealed class MultipartOperations(FakeS3Options options, ObjectOperations objects)
{
    private const int MaxParts = 10_000;
    private readonly ConcurrentDictionary<string, Upload> _uploads = new(StringComparer.Ordinal);

    public async Task CreateAsync(S3Exchange exchange, FakeBucket bucket)
    {
        var id = Guid.NewGuid().ToString("N");
        var request = exchange.Request;
        _uploads[id] = new Upload(id, bucket.Name, request.Key, ObjectOperations.HeadersOf(request, []), options.Time.GetUtcNow());
        await exchange.AnswerAsync(200, S3Xml.Write(
            "InitiateMultipartUploadResult", S3Xml.Element("Bucket", bucket.Name), S3Xml.Element("Key", request.Key),
            S3Xml.Element("UploadId", id))).ConfigureAwait(false);
    }

    public async Task PutPartAsync(S3Exchange exchange, SignatureV4? signature)
    {
        var (upload, number) = (Find(exchange.Request), PartNumber(exchange.Request));
        var (bytes, checksums) = await exchange.ReadBodyWithChecksumsAsync(signature).ConfigureAwait(false);
        var part = new Part(ObjectContent.Of(bytes), FakeObject.ETagOf(bytes));
        upload.Parts[number] = part;
        exchange.Response.Headers.ETag = $"\"{part.ETag}\"";
        foreach (var (name, value) in checksums)
        {
            exchange.Response.Headers[name] = value;
        }

        exchange.Answer(200);
    }

    public async Task CopyPartAsync(S3Exchange exchange)
    {
        var (upload, number) = (Find(exchange.Request), PartNumber(exchange.Request));
        var source = objects.CopySource(exchange.Request);
        var (offset, length) = ObjectOperations.Range(exchange.Request.Header("x-amz-copy-source-range"), source.Content.Length)
            ?? (0, source.Content.Length);
        var etag = ObjectOperations.ETagOfRange(source, offset, length);
        upload.Parts[number] = new Part(source.Content.Slice(offset, length), etag);
        await exchange.AnswerAsync(200, ObjectOperations.CopyResult("CopyPartResult", options.Time.GetUtcNow(), etag)).ConfigureAwait(false);
    }

    public async Task CompleteAsync(S3Exchange exchange, FakeBucket bucket, SignatureV4? signature)
    {
        var request = exchange.Request;
        var upload = Find(request);
        var named = Named(S3Xml.Parse(await exchange.ReadBodyAsync(signature).ConfigureAwait(false)));
        var parts = Chosen(upload, named);
        var etag = string.Create(
            CultureInfo.InvariantCulture,
            $"{FakeObject.ETagOf([.. parts.SelectMany(part => Convert.FromHexString(part.ETag))])}-{parts.Count}");
        bucket.Put(
            request.Key, ObjectContent.Concat(parts.Select(part => part.Content)), etag, upload.Headers,
            Conditions.ForWrite(request, exchange.Trouble?.IgnoreConditions == true));
        _uploads.TryRemove(upload.Id, out _);
        await exchange.AnswerAsync(200, S3Xml.Write(
            "CompleteMultipartUploadResult", S3Xml.Element("Location", $"/{bucket.Name}/{request.Key}"),
            S3Xml.Element("Bucket", bucket.Name), S3Xml.Element("Key", request.Key), S3Xml.Element("ETag", $"\"{etag}\"")))
            .ConfigureAwait(false);
    }

    public void Abort(S3Exchange exchange)
    {
        _uploads.TryRemove(Find(exchange.Request).Id, out _);
        exchange.Answer(204);
    }

    public async Task ListPartsAsync(S3Exchange exchange)
    {
        var upload = Find(exchange.Request);
        await exchange.AnswerAsync(200, S3Xml.Write("ListPartsResult",
        [
            S3Xml.Element("Bucket", upload.Bucket), S3Xml.Element("Key", upload.Key), S3Xml.Element("UploadId", upload.Id),
            S3Xml.Element("IsTruncated", "false"),
            .. upload.Parts.OrderBy(part => part.Key).Select(part => S3Xml.Element(
                "Part", S3Xml.Element("PartNumber", part.Key.ToString(CultureInfo.InvariantCulture)),
                S3Xml.Element("ETag", $"\"{part.Value.ETag}\""),
                S3Xml.Element("Size", part.Value.Content.Length.ToString(CultureInfo.InvariantCulture)))),
        ])).ConfigureAwait(false);
    }

    public async Task ListUploadsAsync(S3Exchange exchange, FakeBucket bucket) => await exchange.AnswerAsync(200, S3Xml.Write(
        "ListMultipartUploadsResult",
        [
            S3Xml.Element("Bucket", bucket.Name), S3Xml.Element("IsTruncated", "false"),
            .. _uploads.Values.Where(upload => upload.Bucket == bucket.Name).OrderBy(upload => upload.Key, ObjectKey.Order)
                .Select(upload => S3Xml.Element(
                    "Upload", S3Xml.Element("Key", upload.Key), S3Xml.Element("UploadId", upload.Id),
                    S3Xml.Element("Initiated", S3Xml.Date(upload.Initiated)))),
        ])).ConfigureAwait(false);

    private static int PartNumber(S3Request request) =>
        int.TryParse(request.NeedParameter("partNumber"), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number is >= 1 and <= MaxParts
            ? number
            : throw S3Failure.InvalidArgument("Part number must be an integer between 1 and 10000, inclusive");

    private static List<(int Number, string ETag)> Named(XElement document)
    {
        var named = S3Xml.Children(document, "Part")
            .Select(part => (int.TryParse(S3Xml.Value(part, "PartNumber"), out var number) ? number : 0,
                (S3Xml.Value(part, "ETag") ?? string.Empty).Trim('"')))
            .ToList();
        return named.Count > 0 ? named : throw S3Failure.MalformedXml();
    }

    private List<Part> Chosen(Upload upload, List<(int Number, string ETag)> named)
    {
        var parts = new List<Part>();
        var before = 0;
        foreach (var (number, etag) in named)
        {
            if (number <= before)
            {
                throw new S3Failure(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
            }

            before = number;
            if (!upload.Parts.TryGetValue(number, out var part) || part.ETag != etag)
            {
                throw new S3Failure(400, "InvalidPart", "One or more of the specified parts could not be found.");
            }

            parts.Add(part);
        }

        return parts.SkipLast(1).Any(part => part.Content.Length < options.MinPartBytes)
            ? throw new S3Failure(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
            : parts;
    }

    private Upload Find(S3Request request) =>
        _uploads.TryGetValue(request.NeedParameter("uploadId"), out var upload)
        && upload.Bucket == request.Bucket && upload.Key == request.Key
            ? upload
            : throw S3Failure.NoSuchUpload();

    private sealed record Part(ObjectContent Content, string ETag);

    private sealed record Upload(
        string Id, string Bucket, string Key, IReadOnlyDictionary<string, string> Headers, DateTimeOffset Initiated)
    {
        public ConcurrentDictionary<int, Part> Parts { get; } = new();
    }
}
