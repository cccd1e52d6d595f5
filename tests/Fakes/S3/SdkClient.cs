using Amazon.Runtime;
using Amazon.S3;

namespace OrleansCache.Fakes.S3;

/// <summary>The SDK's own client for the stores of tests and benchmarks: path style, and no checksum trailers, which Ceph does not know.</summary>
public static class SdkClient
{
    /// <summary>A client with an access key and its secret.</summary>
    public static AmazonS3Client Connect(Uri endpoint, string accessKey, string secretKey) =>
        Connect(endpoint, new BasicAWSCredentials(accessKey, secretKey));

    /// <summary>A client; <paramref name="configure"/> changes what the others have.</summary>
    public static AmazonS3Client Connect(Uri endpoint, AWSCredentials credentials, Action<AmazonS3Config>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        var config = new AmazonS3Config
        {
            ServiceURL = endpoint.ToString(),
            ForcePathStyle = true,
            AuthenticationRegion = "us-east-1",
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        configure?.Invoke(config);
        return new AmazonS3Client(credentials, config);
    }
}
