using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using OrleansCache.Fakes.S3;

namespace OrleansCache.Bench.S3;

/// <summary>What a program without a cache does: parallel ranged GETs by the same SDK, bytes thrown away.</summary>
internal static class SdkReader
{
    private const int RangeBytes = 4 << 20;
    private const int Parallel = 16;

    /// <summary>The role of the child: reads a small object first, so that nothing is compiled in the measured time.</summary>
    internal static async Task<int> RunAsync(Uri endpoint, string bucket, string warmUpKey, string key)
    {
        using var client = SdkClient.Connect(endpoint, new EnvironmentVariablesAWSCredentials());
        await ReadAsync(client, bucket, warmUpKey).ConfigureAwait(false);
        return await ChildRun.MeasureAsync(() => ReadAsync(client, bucket, key)).ConfigureAwait(false);
    }

    private static async Task<long> ReadAsync(AmazonS3Client client, string bucket, string key)
    {
        var head = await client.GetObjectMetadataAsync(bucket, key).ConfigureAwait(false);
        var ranges = Enumerable.Range(0, (int)((head.ContentLength + RangeBytes - 1) / RangeBytes));
        var read = 0L;
        await System.Threading.Tasks.Parallel.ForEachAsync(
            ranges, new ParallelOptions { MaxDegreeOfParallelism = Parallel },
            async (range, cancellation) =>
            {
                var first = (long)range * RangeBytes;
                using var answer = await client.GetObjectAsync(
                    new GetObjectRequest
                    {
                        BucketName = bucket,
                        Key = key,
                        EtagToMatch = head.ETag,
                        ByteRange = new ByteRange(first, Math.Min(first + RangeBytes, head.ContentLength) - 1),
                    },
                    cancellation).ConfigureAwait(false);
                var buffer = new byte[256 * 1024];
                int got;
                while ((got = await answer.ResponseStream.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
                {
                    Interlocked.Add(ref read, got);
                }
            }).ConfigureAwait(false);
        return read == head.ContentLength ? read : throw new InvalidDataException($"{read} of {head.ContentLength} bytes");
    }
}
