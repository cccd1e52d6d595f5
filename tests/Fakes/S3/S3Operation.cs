namespace OrleansCache.Fakes.S3;

/// <summary>What a request asks for.</summary>
public enum S3Operation
{
    /// <summary>Nothing this server knows.</summary>
    Unknown,

    /// <summary>GET /.</summary>
    ListBuckets,

    /// <summary>HEAD of a bucket.</summary>
    HeadBucket,

    /// <summary>PUT of a bucket.</summary>
    CreateBucket,

    /// <summary>DELETE of a bucket.</summary>
    DeleteBucket,

    /// <summary>GET ?location.</summary>
    GetBucketLocation,

    /// <summary>GET ?versioning.</summary>
    GetBucketVersioning,

    /// <summary>GET ?list-type=2.</summary>
    ListObjects,

    /// <summary>GET of an object.</summary>
    GetObject,

    /// <summary>HEAD of an object.</summary>
    HeadObject,

    /// <summary>PUT of an object.</summary>
    PutObject,

    /// <summary>PUT with x-amz-copy-source.</summary>
    CopyObject,

    /// <summary>DELETE of an object.</summary>
    DeleteObject,

    /// <summary>POST ?delete.</summary>
    DeleteObjects,

    /// <summary>POST ?uploads.</summary>
    CreateMultipartUpload,

    /// <summary>PUT ?partNumber&amp;uploadId.</summary>
    UploadPart,

    /// <summary>The same with x-amz-copy-source.</summary>
    UploadPartCopy,

    /// <summary>POST ?uploadId.</summary>
    CompleteMultipartUpload,

    /// <summary>DELETE ?uploadId.</summary>
    AbortMultipartUpload,

    /// <summary>GET ?uploadId.</summary>
    ListParts,

    /// <summary>GET ?uploads.</summary>
    ListMultipartUploads,
}
