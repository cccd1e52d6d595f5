using Amazon.S3;
using Amazon.S3.Model;
using OrleansCache.Fakes.Ceph;
using OrleansCache.Fakes.S3;

namespace OrleansCache.Bench.S3;

/// <summary>A real gateway with the objects that are read: one big, one to warm up with, and many small.</summary>
internal sealed class CephStore : IAsyncDisposable
{
    internal const string Bucket = "bench";
    internal const string BigKey = "big/object";
    internal const string WarmUpKey = "warm-up/object";
    internal const int SmallObjects = 32;
    private const int PartBytes = 32 << 20;
    private readonly CephRgw _gateway;

    private CephStore(CephRgw gateway) => _gateway = gateway;

    internal Uri Endpoint => _gateway.Endpoint;

    internal string AccessKey => _gateway.AccessKey;

    internal string SecretKey => _gateway.SecretKey;

    internal static string SmallKey(int index) => $"small/{index:D3}";

    internal static async Task<CephStore> StartAsync(long bigBytes, CancellationToken cancellationToken)
    {
        if (CephRgw.MissingPrograms.Count > 0)
        {
            throw new InvalidOperationException($"not installed: {string.Join(", ", CephRgw.MissingPrograms)}; ./dev bench s3 installs them");
        }

        var store = new CephStore(await CephRgw.StartAsync(cancellationToken).ConfigureAwait(false));
        try
        {
            using var client = SdkClient.Connect(store.Endpoint, store.AccessKey, store.SecretKey);
            await client.PutBucketAsync(Bucket, cancellationToken).ConfigureAwait(false);
            await PutAsync(client, BigKey, bigBytes, cancellationToken).ConfigureAwait(false);
            await PutAsync(client, WarmUpKey, 64L << 20, cancellationToken).ConfigureAwait(false);
            for (var index = 0; index < SmallObjects; index++)
            {
                await PutAsync(client, SmallKey(index), 1 << 20, cancellationToken).ConfigureAwait(false);
            }

            return store;
        }
        catch
        {
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    private static async Task PutAsync(AmazonS3Client client, string key, long bytes, CancellationToken cancellationToken)
    {
        var part = new byte[Math.Min(PartBytes, bytes)];
        new Random(1).NextBytes(part);
        var upload = await client.InitiateMultipartUploadAsync(Bucket, key, cancellationToken).ConfigureAwait(false);
        var parts = new List<PartETag>();
        for (var at = 0L; at < bytes; at += part.Length)
        {
            using var content = new MemoryStream(part, 0, (int)Math.Min(part.Length, bytes - at));
            var sent = await client.UploadPartAsync(
                new UploadPartRequest
                {
                    BucketName = Bucket,
                    Key = key,
                    UploadId = upload.UploadId,
                    PartNumber = parts.Count + 1,
                    InputStream = content,
                },
                cancellationToken).ConfigureAwait(false);
            parts.Add(new PartETag(parts.Count + 1, sent.ETag));
        }

        await client.CompleteMultipartUploadAsync(
            new CompleteMultipartUploadRequest { BucketName = Bucket, Key = key, UploadId = upload.UploadId, PartETags = parts },
            cancellationToken).ConfigureAwait(false);
    }
}
