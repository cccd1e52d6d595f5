namespace OrleansCache.Fakes.S3;

/// <summary>
/// What a request's line says: operation, bucket, key, query. The key is decoded from the raw target, dots and all.
/// </summary>
internal sealed class S3Target
{
    private S3Target(string rawPath, IReadOnlyList<KeyValuePair<string, string>> query) => (RawPath, Query) = (rawPath, query);

    /// <summary>The path as sent.</summary>
    public string RawPath { get; }

    /// <summary>Decoded parameters in the order sent.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Query { get; }

    public string Bucket { get; private init; } = string.Empty;

    public string Key { get; private init; } = string.Empty;

    public S3Operation Operation { get; private set; }

    /// <summary>Takes a request line apart.</summary>
    /// <param name="method">Method.</param>
    /// <param name="target">Path and query as sent.</param>
    /// <param name="bucketOfHost">The bucket where the host names it, or null for path style.</param>
    /// <param name="isCopy">Whether a header names a source to copy.</param>
    public static S3Target Parse(string method, string target, string? bucketOfHost, bool isCopy)
    {
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        var path = mark < 0 ? target : target[..mark];
        var rest = path.StartsWith('/') ? path[1..] : path; // One slash: a key may begin with more.
        var bucket = bucketOfHost;
        if (bucket is null)
        {
            var slash = rest.IndexOf('/', StringComparison.Ordinal);
            bucket = ObjectKey.UrlDecode(slash < 0 ? rest : rest[..slash]);
            rest = slash < 0 ? string.Empty : rest[(slash + 1)..];
        }

        var parsed = new S3Target(path, mark < 0 ? [] : ParseQuery(target[(mark + 1)..]))
        {
            Bucket = bucket,
            Key = ObjectKey.UrlDecode(rest),
        };
        parsed.Operation = (parsed.Bucket.Length, parsed.Key.Length) switch
        {
            (0, _) => method == "GET" ? S3Operation.ListBuckets : S3Operation.Unknown,
            (_, 0) => parsed.OfBucket(method),
            _ => parsed.OfObject(method, isCopy),
        };
        return parsed;
    }

    /// <summary>A query parameter, or null.</summary>
    public string? Parameter(string name)
    {
        foreach (var (key, value) in Query)
        {
            if (key == name)
            {
                return value;
            }
        }

        return null;
    }

    private static List<KeyValuePair<string, string>> ParseQuery(string query) =>
        [.. query.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair =>
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            return equals < 0
                ? KeyValuePair.Create(Decode(pair), string.Empty)
                : KeyValuePair.Create(Decode(pair[..equals]), Decode(pair[(equals + 1)..]));
        })];

    private static string Decode(string text) => ObjectKey.UrlDecode(text.Replace('+', ' '));

    private S3Operation OfBucket(string method) => method switch
    {
        "HEAD" => S3Operation.HeadBucket,
        "PUT" when Query.Count == 0 => S3Operation.CreateBucket,
        "DELETE" when Query.Count == 0 => S3Operation.DeleteBucket,
        "POST" when Has("delete") => S3Operation.DeleteObjects,
        "GET" when Parameter("list-type") == "2" => S3Operation.ListObjects,
        "GET" when Has("location") => S3Operation.GetBucketLocation,
        "GET" when Has("versioning") => S3Operation.GetBucketVersioning,
        "GET" when Has("uploads") => S3Operation.ListMultipartUploads,
        _ => S3Operation.Unknown,
    };

    private S3Operation OfObject(string method, bool isCopy) => method switch
    {
        "HEAD" => S3Operation.HeadObject,
        "GET" when Has("uploadId") => S3Operation.ListParts,
        "GET" when !Has("tagging") && !Has("acl") => S3Operation.GetObject,
        "PUT" when Has("uploadId") => isCopy ? S3Operation.UploadPartCopy : S3Operation.UploadPart,
        "PUT" when !Has("tagging") && !Has("acl") => isCopy ? S3Operation.CopyObject : S3Operation.PutObject,
        "DELETE" when Has("uploadId") => S3Operation.AbortMultipartUpload,
        "DELETE" when !Has("tagging") => S3Operation.DeleteObject,
        "POST" when Has("uploads") => S3Operation.CreateMultipartUpload,
        "POST" when Has("uploadId") => S3Operation.CompleteMultipartUpload,
        _ => S3Operation.Unknown,
    };

    private bool Has(string parameter) => Parameter(parameter) is not null;
}
