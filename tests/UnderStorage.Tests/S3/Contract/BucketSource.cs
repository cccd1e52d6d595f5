using System.Text;
using Amazon.S3.Model;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>A source on a prefix of its own, or on a whole bucket, with the means to change what it holds behind its back.</summary>
internal sealed class BucketSource : IAsyncDisposable
{
    private readonly ContractStore _store;
    private readonly string _bucket;
    private readonly string _uri;
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromMinutes(5)); // against hangs only

    private BucketSource(ContractStore store, string bucket, string prefix, IUnderStorage storage)
    {
        (_store, _bucket, Prefix, Storage) = (store, bucket, prefix, storage);
        _uri = UriOf(bucket, prefix);
    }

    public IUnderStorage Storage { get; }

    /// <summary>What its keys begin with.</summary>
    public string Prefix { get; }

    public CancellationToken Deadline => _deadline.Token;

    public static async Task<BucketSource> CreateAsync(ContractStore store)
    {
        var prefix = $"{Guid.NewGuid():n}/";
        return new BucketSource(store, store.Bucket, prefix, await store.OpenAsync(UriOf(store.Bucket, prefix)));
    }

    public static async Task<BucketSource> CreateOnBucketAsync(ContractStore store)
    {
        var bucket = await store.CreateBucketAsync();
        return new BucketSource(store, bucket, string.Empty, await store.OpenAsync(UriOf(bucket, string.Empty)));
    }

    /// <summary>The same source, opened again, as after a restart.</summary>
    public Task<IUnderStorage> OpenAgainAsync() => _store.OpenAsync(_uri);

    public Task PutAsync(string key, string text) => PutAsync(key, Encoding.UTF8.GetBytes(text));

    public Task PutAsync(string key, byte[] bytes) => _store.Client.PutObjectAsync(
        new PutObjectRequest { BucketName = _bucket, Key = Prefix + key, InputStream = new MemoryStream(bytes, writable: false) });

    public Task PutAwkwardAsync(string key, string text) =>
        _store.PutAwkwardAsync(_bucket, Prefix + key, Encoding.UTF8.GetBytes(text));

    public Task DeleteAsync(string key) => _store.Client.DeleteObjectAsync(_bucket, Prefix + key);

    /// <summary>Puts many, some at a time.</summary>
    public Task PutAllAsync(IEnumerable<string> keys, Func<string, byte[]> contentOf) => Parallel.ForEachAsync(
        keys, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Deadline },
        async (key, _) => await PutAsync(key, contentOf(key)));

    public async Task PutInPartsAsync(string key, params IReadOnlyList<byte[]> parts)
    {
        var upload = await _store.Client.InitiateMultipartUploadAsync(_bucket, Prefix + key);
        var done = new List<PartETag>();
        foreach (var (index, part) in parts.Index())
        {
            var answer = await _store.Client.UploadPartAsync(new UploadPartRequest
            {
                BucketName = _bucket,
                Key = Prefix + key,
                UploadId = upload.UploadId,
                PartNumber = index + 1,
                InputStream = new MemoryStream(part, writable: false),
            });
            done.Add(new PartETag(index + 1, answer.ETag));
        }

        await _store.Client.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest
        {
            BucketName = _bucket,
            Key = Prefix + key,
            UploadId = upload.UploadId,
            PartETags = done,
        });
    }

    public async Task<FileMetadata> StatAsync(string path)
    {
        var (status, metadata) = await Storage.StatAsync(path, Deadline);
        Assert.True(status == ReadStatus.Ok, $"stat of '{path}': {status}");
        return metadata;
    }

    public async Task<ReadStatus> StatusAsync(string path) => (await Storage.StatAsync(path, Deadline)).Status;

    public async Task<(ReadStatus Status, byte[] Bytes)> ReadAsync(string path, FileMetadata file, long offset, int length)
    {
        var bytes = new byte[length];
        var status = await Storage.ReadAsync(path, file.Id, file.Version, offset, bytes, Deadline);
        return (status, bytes);
    }

    public async Task<byte[]> ReadAllAsync(string path, FileMetadata file)
    {
        var (status, bytes) = await ReadAsync(path, file, 0, (int)file.Version.LengthBytes);
        Assert.True(status == ReadStatus.Ok, $"read of '{path}': {status}");
        return bytes;
    }

    /// <summary>One directory, and the number of batches it came in.</summary>
    public async Task<(List<UnderStorageEntry> Entries, List<string> Unreachable, int Batches)> ListAsync(string path, string? resumeAt = null)
    {
        var (entries, unreachable, batches) = (new List<UnderStorageEntry>(), new List<string>(), 0);
        await using var listing = Storage.List(path, resumeAt);
        ListBatch batch;
        do
        {
            batch = await listing.NextAsync(Deadline);
            Assert.True(batch.Status == ReadStatus.Ok, $"listing of '{path}': {batch.Status}");
            entries.AddRange(batch.Entries);
            unreachable.AddRange(batch.Unreachable);
            batches++;
        }
        while (!batch.IsLast);
        return (entries, unreachable, batches);
    }

    /// <summary>Everything below, directories before what is in them.</summary>
    public async Task<(List<(string Path, FileMetadata Metadata)> Entries, List<string> Unreachable)> WalkAsync()
    {
        var (all, unreachable) = (new List<(string, FileMetadata)>(), new List<string>());
        var todo = new Queue<string>([string.Empty]);
        while (todo.TryDequeue(out var directory))
        {
            var (entries, hidden, _) = await ListAsync(directory);
            unreachable.AddRange(hidden);
            foreach (var entry in entries)
            {
                var path = TreeWalk.PathOf(directory, entry.Name);
                all.Add((path, entry.Metadata));
                if (entry.Metadata.Kind == FileKind.Directory)
                {
                    todo.Enqueue(path);
                }
            }
        }

        return (all, unreachable);
    }

    public async ValueTask DisposeAsync()
    {
        await Storage.DisposeAsync();
        _deadline.Dispose();
    }

    private static string UriOf(string bucket, string prefix) => prefix.Length == 0 ? $"s3://{bucket}" : $"s3://{bucket}/{prefix[..^1]}";
}
