namespace OrleansCache.Fakes.S3;

/// <summary>An answer that is an error: a status and S3's XML.</summary>
internal sealed class S3Failure(int status, string code, string message) : Exception(message)
{
    public int Status => status;

    public string Code => code;

    /// <summary>Headers beside it.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public static S3Failure NoSuchKey() => new(404, "NoSuchKey", "The specified key does not exist.");

    public static S3Failure NoSuchBucket() => new(404, "NoSuchBucket", "The specified bucket does not exist.");

    public static S3Failure NoSuchUpload() => new(404, "NoSuchUpload", "The specified multipart upload does not exist.");

    public static S3Failure PreconditionFailed() =>
        new(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");

    public static S3Failure AccessDenied(string message = "Access Denied") => new(403, "AccessDenied", message);

    public static S3Failure InvalidArgument(string message) => new(400, "InvalidArgument", message);

    public static S3Failure MalformedXml() => new(400, "MalformedXML", "The XML you provided was not well-formed.");

    public static S3Failure NotImplemented() => new(501, "NotImplemented", "This fake does not know the request.");
}
