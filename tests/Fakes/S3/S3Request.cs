using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansCache.Fakes.S3;

/// <summary>A request taken apart: operation, bucket, key, query. The key is decoded from the raw target, dots and all.</summary>
internal sealed class S3Request
{
    private S3Request(HttpContext context, string rawPath, IReadOnlyList<KeyValuePair<string, string>> query)
    {
        (Context, RawPath, Query) = (context, rawPath, query);
    }

    public HttpContext Context { get; }

    /// <summary>The path as sent.</summary>
    public string RawPath { get; }

    /// <summary>Decoded parameters in the order sent.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Query { get; }

    public string Bucket { get; private init; } = string.Empty;

    public string Key { get; private init; } = string.Empty;

    public S3Operation Operation { get; private set; }

    public static S3Request Parse(HttpContext context, Func<string, bool> isBucket)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        var path = mark < 0 ? target : target[..mark];
        var query = mark < 0 ? [] : ParseQuery(target[(mark + 1)..]);
        var rest = path.StartsWith('/') ? path[1..] : path; // One slash: a key may begin with more.
        string bucket;
        if (VirtualHost(context.Request.Host.Host, isBucket) is { } host)
        {
            bucket = host;
        }
        else
        {
            var slash = rest.IndexOf('/', StringComparison.Ordinal);
            bucket = ObjectKey.UrlDecode(slash < 0 ? rest : rest[..slash]);
            rest = slash < 0 ? string.Empty : rest[(slash + 1)..];
        }

        var request = new S3Request(context, path, query) { Bucket = bucket, Key = ObjectKey.UrlDecode(rest) };
        request.Operation = request.Classify();
        return request;
    }

    /// <summary>A header, or null.</summary>
    public string? Header(string name) => Context.Request.Headers.TryGetValue(name, out var value) ? value.ToString() : null;

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

    public string NeedParameter(string name) => Parameter(name) ?? throw S3Failure.InvalidArgument($"{name} is missing");

    private static string? VirtualHost(string host, Func<string, bool> isBucket)
    {
        var dot = host.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && !char.IsAsciiDigit(host[^1]) && isBucket(host[..dot]) ? host[..dot] : null;
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

    private S3Operation Classify()
    {
        var method = Context.Request.Method;
        return (Bucket.Length, Key.Length) switch
        {
            (0, _) => method == "GET" ? S3Operation.ListBuckets : S3Operation.Unknown,
            (_, 0) => OfBucket(method),
            _ => OfObject(method),
        };
    }

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

    private S3Operation OfObject(string method) => method switch
    {
        "HEAD" => S3Operation.HeadObject,
        "GET" when Has("uploadId") => S3Operation.ListParts,
        "GET" when !Has("tagging") && !Has("acl") => S3Operation.GetObject,
        "PUT" when Has("uploadId") => Header("x-amz-copy-source") is null ? S3Operation.UploadPart : S3Operation.UploadPartCopy,
        "PUT" when !Has("tagging") && !Has("acl") =>
            Header("x-amz-copy-source") is null ? S3Operation.PutObject : S3Operation.CopyObject,
        "DELETE" when Has("uploadId") => S3Operation.AbortMultipartUpload,
        "DELETE" when !Has("tagging") => S3Operation.DeleteObject,
        "POST" when Has("uploads") => S3Operation.CreateMultipartUpload,
        "POST" when Has("uploadId") => S3Operation.CompleteMultipartUpload,
        _ => S3Operation.Unknown,
    };

    private bool Has(string parameter) => Parameter(parameter) is not null;
}
