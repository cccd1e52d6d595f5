using System.Collections.Concurrent;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Reading;
using OrleansCache.Reading.Batches;
using OrleansCache.Routing;

namespace OrleansCache.Client.Tests.Fakes;

/// <summary>Files <c>/d/0</c>, <c>/d/1</c>... and the silo that reads them, in batches or one by one. Content follows from the name.</summary>
internal sealed class SmallFiles : IBlockRouter, IBlockConnection, IFileOpener, ICapabilitySource
{
    private readonly ConcurrentDictionary<string, NodeEntry> _nodes = new();
    private readonly ConcurrentDictionary<FileKey, NodeEntry> _byKey = new();
    private int _lookups;
    private int _batches;
    private int _singles;
    private int _inFlight;

    public SmallFiles(long budgetBytes = 64 << 20, TimeSpan? fileTimeout = null)
    {
        Budget = new ReadManyBudget(budgetBytes);
        Services = new BatchServices(
            FindAsync, this, this, this, Budget, new ReadDeadlines(TimeProvider.System), fileTimeout ?? TimeSpan.FromSeconds(60));
    }

    public ReadManyBudget Budget { get; }

    public BatchServices Services { get; }

    /// <summary>What a batch answers for a file, by its path.</summary>
    public Func<string, ReadStatus?> Answer { get; set; } = static _ => ReadStatus.Ok;

    /// <summary>What reading a file by itself answers.</summary>
    public Func<string, ReadStatus> SingleAnswer { get; set; } = static _ => ReadStatus.Ok;

    /// <summary>How a batch ends.</summary>
    public ReadStatus BatchStatus { get; set; }

    /// <summary>What is there instead, when a version is gone.</summary>
    public ConcurrentDictionary<string, NodeOutcome> Renewed { get; } = new();

    /// <summary>Lookups, batches and single reads wait for these.</summary>
    public Func<string, Task> LookupHold { get; set; } = static _ => Task.CompletedTask;

    public Func<Task> SingleHold { get; set; } = static () => Task.CompletedTask;

    public Func<Task> BatchHold { get; set; } = static () => Task.CompletedTask;

    public bool HasSilo { get; set; } = true;

    public ulong RingEpoch => 0;

    public int MaxBatchBytes { get; set; } = 8 << 20;

    public int MostLookups { get; private set; }

    public int Batches => Volatile.Read(ref _batches);

    public int Singles => Volatile.Read(ref _singles);

    public int InFlight => Volatile.Read(ref _inFlight);

    public bool PassesDescriptors => false;

    public bool IsOpen => true;

    public static byte[] ContentOf(NodeEntry node)
    {
        var content = new byte[node.LengthBytes];
        new Random(node.Entry.Key.GetHashCode()).NextBytes(content);
        return content;
    }

    public NodeEntry Add(string path, long length, long modified = 1, FileKind kind = FileKind.File)
    {
        var node = ReadingRig.MakeNode("x", length, modified);
        var id = new FileId(3, (ulong)path.GetHashCode(StringComparison.Ordinal));
        var metadata = node.Entry.Metadata with { Id = id, Kind = kind };
        node = node with
        {
            Path = path,
            SourcePath = path[3..],
            Entry = node.Entry with
            {
                Name = path[3..],
                Metadata = metadata,
                Key = FileKey.Derive(FakeGrains.Source, id, metadata.Version, new BlockLayout(ReadingRig.BlockSize)),
            },
        };
        _byKey[node.Entry.Key] = node;
        return _nodes[path] = node;
    }

    public string[] AddMany(int count, Func<int, int> lengthOf)
    {
        var paths = Enumerable.Range(0, count).Select(index => $"/d/{index}").ToArray();
        for (var index = 0; index < count; index++)
        {
            Add(paths[index], lengthOf(index));
        }

        return paths;
    }

    public async IAsyncEnumerable<ReadManyResult> ReadAsync(
        IEnumerable<string> paths, ReadManyOptions? options = null,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var sequence = new BatchSequence(Services, options ?? new ReadManyOptions(), paths, cancellationToken);
        await foreach (var result in sequence.WithCancellation(cancellationToken))
        {
            yield return result;
        }
    }

    /// <summary>Whether a result is the file of its path.</summary>
    public void IsRight(ReadManyResult result)
    {
        Assert.Null(result.Error);
        Assert.Equal(result.Entry!.LengthBytes, result.Memory.Length);
        Assert.True(ContentOf(_byKey[result.Entry.Key!.Value]).AsSpan().SequenceEqual(result.Memory.Span), $"wrong bytes of {result.Path}");
    }

    public async ValueTask<NodeEntry> FindAsync(string path, CancellationToken cancellationToken)
    {
        MostLookups = Math.Max(MostLookups, Interlocked.Increment(ref _lookups));
        try
        {
            await LookupHold(path).WaitAsync(cancellationToken);
            return _nodes.TryGetValue(path, out var node) ? node : throw CacheClientException.From(ReadStatus.NotFound, path, "reading");
        }
        finally
        {
            Interlocked.Decrement(ref _lookups);
        }
    }

    public ValueTask<IBlockConnection?> FindAsync(FileKey key, CancellationToken cancellationToken) => new(HasSilo ? this : null);

    public string? SiloOf(FileKey key) => "one";

    public async ValueTask<ReadOutcome> ReadBatchAsync(Memory<BatchRead> reads, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _batches);
        Interlocked.Increment(ref _inFlight);
        try
        {
            await BatchHold().WaitAsync(cancellationToken);
            for (var index = 0; index < reads.Length; index++)
            {
                var read = reads.Span[index];
                var node = _byKey[read.Key];
                Assert.Equal((read.Key, node.LengthBytes), (read.Capability!.Key, (long)read.Destination.Length));
                reads.Span[index].Answer = Answer(node.Path);
                if (reads.Span[index].Answer == ReadStatus.Ok)
                {
                    ContentOf(node).CopyTo(read.Destination);
                }
            }

            return new ReadOutcome(BatchStatus, 0, true);
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
        }
    }

    public ValueTask<OpenOutcome> OpenAsync(NodeEntry file, CancellationToken cancellationToken)
    {
        var status = SingleAnswer(file.Path);
        return new(new OpenOutcome(status, status == ReadStatus.Ok ? new Reader(this, file) : null));
    }

    public ValueTask<NodeOutcome> RenewAsync(NodeEntry node, CancellationToken cancellationToken) =>
        new(Renewed.GetValueOrDefault(node.Path, new NodeOutcome(ReadStatus.NotFound, null, TimeSpan.Zero)));

    public ValueTask<ReadStatus> PresentAsync(ReadCapability capability, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<LeaseOutcome> LeaseAsync(FileKey key, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ResidencyOutcome> EnsureAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ReadOutcome> ReadAsync(
        FileKey key, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ReadStatus> PrefetchAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ReadStatus> ReportAsync(ReadOnlyMemory<UsageReport> reports, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<StatusOutcome> GetStatusAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Reader(SmallFiles owner, NodeEntry node) : IFileReader
    {
        public long LengthBytes => node.LengthBytes;

        public ValueTask<int> GetCachedPercentAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public bool TryRead(long offsetBytes, Span<byte> destination, out int bytesRead) => throw new NotSupportedException();

        public async ValueTask<FileReadOutcome> ReadAsync(long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
        {
            Assert.Equal((0L, node.LengthBytes), (offsetBytes, (long)destination.Length));
            Interlocked.Increment(ref owner._singles);
            await owner.SingleHold().WaitAsync(cancellationToken);
            await Task.Yield();
            ContentOf(node).CopyTo(destination);
            return new FileReadOutcome(ReadStatus.Ok, destination.Length);
        }

        public void Dispose()
        {
        }
    }
}
