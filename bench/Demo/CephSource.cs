using Amazon.Runtime;
using Amazon.S3.Model;
using OrleansCache.Fakes.Ceph;
using OrleansCache.Fakes.S3;
using OrleansCache.LocalCluster;

namespace OrleansCache.Demo;

/// <summary>The dataset in a bucket of a real Ceph gateway that lives as long as this.</summary>
internal sealed class CephSource : DemoSource
{
    private const string Bucket = "dataset";
    private const int ParallelUploads = 8; // Beyond that two cores and one OSD give no more.
    private readonly CephRgw _gateway;

    private CephSource(CephRgw gateway) => _gateway = gateway;

    /// <inheritdoc/>
    public override string Name => $"s3://{Bucket} of Ceph at {_gateway.Endpoint}";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Environment =>
        LocalSilo.S3Environment(_gateway.AccessKey, _gateway.SecretKey);

    /// <summary>Starts the gateway and copies the dataset into it.</summary>
    public static async Task<CephSource> StartAsync(Dataset dataset, IDemoProgress progress, CancellationToken cancellationToken)
    {
        progress.Say("starting Ceph: a monitor, an OSD in memory, an object gateway");
        var source = new CephSource(await CephRgw.StartAsync(cancellationToken).ConfigureAwait(false));
        try
        {
            await source.UploadAsync(dataset, progress, cancellationToken).ConfigureAwait(false);
            return source;
        }
        catch
        {
            await source.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public override async Task AttachAsync(LocalSilo silo, string path, CancellationToken cancellationToken)
    {
        // Nobody changes the bucket, so an hour is as fresh as a minute, and the passes may take longer than that.
        string[] options = [$"endpoint={_gateway.Endpoint.GetLeftPart(UriPartial.Authority)}", "sync=interval(1h)"];
        await silo.AttachAsync($"s3://{Bucket}", path, options, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async Task<StoreCount?> CountAsync(CancellationToken cancellationToken)
    {
        var requests = await _gateway.TakeRequestsAsync(cancellationToken).ConfigureAwait(false);
        var reads = requests.Where(request => request.Operation == S3Operation.GetObject).ToList();
        return new StoreCount(
            requests.Count, reads.Count, reads.Where(read => read.Status is 200 or 206).Sum(read => read.Bytes),
            requests.Count(request => request.Operation == S3Operation.HeadObject),
            requests.Count(request => request.Operation == S3Operation.ListObjects));
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _gateway.DisposeAsync();

    private async Task UploadAsync(Dataset dataset, IDemoProgress progress, CancellationToken cancellationToken)
    {
        using var client = SdkClient.Connect(_gateway.Endpoint, _gateway.AccessKey, _gateway.SecretKey);
        try
        {
            await client.PutBucketAsync(Bucket, cancellationToken).ConfigureAwait(false);
            using var bar = progress.Start("upload", dataset.Bytes);
            var sent = 0L;
            await Parallel.ForEachAsync(
                dataset.Files, new ParallelOptions { MaxDegreeOfParallelism = ParallelUploads, CancellationToken = cancellationToken },
                async (file, cancellation) =>
                {
                    var path = Path.Combine(dataset.Root, file);
                    await client.PutObjectAsync(
                        new PutObjectRequest { BucketName = Bucket, Key = file, FilePath = path }, cancellation).ConfigureAwait(false);
                    bar.Report(Interlocked.Add(ref sent, new FileInfo(path).Length));
                }).ConfigureAwait(false);
        }
        catch (AmazonServiceException refused)
        {
            throw new InvalidOperationException($"the upload into Ceph failed: {refused.Message}", refused);
        }
    }
}
