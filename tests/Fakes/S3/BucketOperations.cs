using System.Globalization;
using System.Xml;

namespace OrleansCache.Fakes.S3;

/// <summary>Requests on buckets.</summary>
internal sealed class BucketOperations(FakeS3 store)
{
    private const int MaxDeleted = 1000;
    private const int MaxPage = 1000;

    public async Task ListBucketsAsync(S3Exchange exchange) => await exchange.AnswerAsync(200, S3Xml.Write(
        "ListAllMyBucketsResult",
        S3Xml.Element("Owner", S3Xml.Element("ID", "fake"), S3Xml.Element("DisplayName", "fake")),
        S3Xml.Element("Buckets", store.Buckets.OrderBy(bucket => bucket.Name, StringComparer.Ordinal).Select(bucket =>
            S3Xml.Element("Bucket", S3Xml.Element("Name", bucket.Name), S3Xml.Element("CreationDate", S3Xml.Date(bucket.Created)))))))
        .ConfigureAwait(false);

    public void Create(S3Exchange exchange)
    {
        if (store.TryBucket(exchange.Request.Bucket) is not null)
        {
            throw new S3Failure(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded.");
        }

        store.CreateBucket(exchange.Request.Bucket);
        exchange.Answer(200);
    }

    public void Delete(S3Exchange exchange, FakeBucket bucket)
    {
        if (!bucket.IsEmpty)
        {
            throw new S3Failure(409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
        }

        store.RemoveBucket(bucket.Name);
        exchange.Answer(204);
    }

    public static async Task ListAsync(S3Exchange exchange, FakeBucket bucket)
    {
        var request = exchange.Request;
        var encode = request.Parameter("encoding-type") switch
        {
            null => false,
            "url" => true,
            _ => throw S3Failure.InvalidArgument("Invalid Encoding Method specified in Request"),
        };
        var query = ToQuery(request);
        var page = bucket.List(query);
        var last = page.Entries.Count == 0 ? default : page.Entries[^1];
        await exchange.AnswerAsync(200, S3Xml.Write("ListBucketResult", Members)).ConfigureAwait(false);

        string Name(string text) => encode ? ObjectKey.UrlEncode(text, keepSlash: true) : text;

        void Members(XmlWriter writer)
        {
            S3Xml.Write(writer, "Name", bucket.Name);
            S3Xml.Write(writer, "Prefix", Name(query.Prefix));
            S3Xml.Write(writer, "Delimiter", query.Delimiter.Length == 0 ? null : Name(query.Delimiter));
            S3Xml.Write(writer, "MaxKeys", query.MaxKeys.ToString(CultureInfo.InvariantCulture));
            S3Xml.Write(writer, "KeyCount", page.Entries.Count.ToString(CultureInfo.InvariantCulture));
            S3Xml.Write(writer, "EncodingType", encode ? "url" : null);
            S3Xml.Write(writer, "StartAfter", request.Parameter("start-after") is { } after ? Name(after) : null);
            S3Xml.Write(writer, "ContinuationToken", request.Parameter("continuation-token"));
            S3Xml.Write(writer, "IsTruncated", page.IsTruncated ? "true" : "false");
            S3Xml.Write(writer, "NextContinuationToken", page.IsTruncated ? Token(last) : null);
            foreach (var (name, found) in page.Entries)
            {
                WriteEntry(writer, Name(name), found);
            }
        }
    }

    public static async Task DeleteObjectsAsync(S3Exchange exchange, FakeBucket bucket, SignatureV4? signature)
    {
        var document = S3Xml.Parse(await exchange.ReadBodyAsync(signature).ConfigureAwait(false));
        var keys = S3Xml.Children(document, "Object").Select(one => S3Xml.Value(one, "Key") ?? throw S3Failure.MalformedXml()).ToList();
        if (keys.Count is 0 or > MaxDeleted)
        {
            throw S3Failure.MalformedXml();
        }

        keys.ForEach(key => bucket.Delete(key));
        var quiet = S3Xml.Value(document, "Quiet") == "true";
        await exchange.AnswerAsync(200, S3Xml.Write(
            "DeleteResult", quiet ? [] : keys.Select(key => S3Xml.Element("Deleted", S3Xml.Element("Key", key))))).ConfigureAwait(false);
    }

    private static ListQuery ToQuery(S3Request request)
    {
        var max = MaxPage;
        if (request.Parameter("max-keys") is { } text
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out max)))
        {
            throw S3Failure.InvalidArgument("Provided max-keys not an integer or within integer range");
        }

        var query = new ListQuery
        {
            Prefix = request.Parameter("prefix") ?? string.Empty,
            Delimiter = request.Parameter("delimiter") ?? string.Empty,
            After = request.Parameter("start-after") ?? string.Empty,
            MaxKeys = Math.Min(max, MaxPage),
        };
        return request.Parameter("continuation-token") is { } token ? Continue(query, token) : query;
    }

    private static string Token(ListEntry last) => (last.Object is null ? "p" : "k") + Convert.ToHexStringLower(ObjectKey.ToBytes(last.Name));

    private static ListQuery Continue(ListQuery query, string token)
    {
        try
        {
            return query with
            {
                AfterIsPrefix = token[0] == 'p',
                After = ObjectKey.FromBytes(Convert.FromHexString(token.AsSpan(1))),
            };
        }
        catch (Exception broken) when (broken is FormatException or IndexOutOfRangeException)
        {
            throw S3Failure.InvalidArgument("The continuation token provided is incorrect");
        }
    }

    private static void WriteEntry(XmlWriter writer, string name, FakeObject? found)
    {
        writer.WriteStartElement(found is null ? "CommonPrefixes" : "Contents");
        S3Xml.Write(writer, found is null ? "Prefix" : "Key", name);
        if (found is not null)
        {
            S3Xml.Write(writer, "LastModified", S3Xml.Date(found.LastModified));
            S3Xml.Write(writer, "ETag", $"\"{found.ETag}\"");
            S3Xml.Write(writer, "Size", found.Content.Length.ToString(CultureInfo.InvariantCulture));
            S3Xml.Write(writer, "StorageClass", "STANDARD");
        }

        writer.WriteEndElement();
    }
}
