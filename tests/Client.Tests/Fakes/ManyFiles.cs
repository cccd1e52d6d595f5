using System.Collections.Concurrent;
using System.Text;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Routing;

namespace OrleansCache.Client.Tests.Fakes;

/// <summary>A directory of small files, listed in pages, and the silo that fetches them: counts and holds what it is asked.</summary>
internal sealed class ManyFiles : IListedDirectories, IBlockRouter, IBlockConnection
{
    private readonly ConcurrentDictionary<FileKey, bool> _resident = new();
    private int _inFlight;

    public ManyFiles(int count, long lengthBytes, int pageSize = 100)
    {
        PageSize = pageSize;
        Directory = ReadingRig.MakeNode("d", 0, 1) with { Path = "/d", SourcePath = "d", Entry = FakeGrains.Directory("d") };
        Files = [.. Enumerable.Range(0, count).Select(i =>
        {
            var node = ReadingRig.MakeNode("x", lengthBytes, i + 1);
            return node with
            {
                Path = $"/d/{i:D6}",
                SourcePath = $"d/{i:D6}",
                Entry = node.Entry with { Name = $"{i:D6}" },
            };
        })];
    }

    public NodeEntry Directory { get; }

    public NodeEntry[] Files { get; set; }

    public int PageSize { get; }

    /// <summary>Whether the pages' leases live.</summary>
    public bool IsLeased { get; set; } = true;

    /// <summary>Fetches wait for this.</summary>
    public Task Hold { get; set; } = Task.CompletedTask;

    /// <summary>What fetching a file answers; Ok by default.</summary>
    public Func<FileKey, ReadStatus> Answer { get; set; } = static _ => ReadStatus.Ok;

    public string Status { get; set; } = "{}";

    public int MostInFlight { get; private set; }

    public ConcurrentQueue<FileKey> Ensured { get; } = new();

    public ConcurrentQueue<FileKey> Prefetched { get; } = new();

    public bool PassesDescriptors => true;

    public bool IsOpen => true;

    public ulong RingEpoch => 0;

    public int MaxBatchBytes => 0;

    public void FillAll() => Array.ForEach(Files, file => _resident[file.Entry.Key] = true);

    public int IndexOf(FileKey key) => Array.FindIndex(Files, file => file.Entry.Key == key);

    public NodeEntry? DirectoryOf(NodeEntry file) => Directory;

    public bool TryGetPage(NodeEntry directory, string? after, out ListOutcome page)
    {
        var rest = Files.Where(file => after is null || string.CompareOrdinal(file.Entry.Name, after) > 0).Take(PageSize + 1).ToArray();
        var nodes = rest.Take(PageSize).ToArray();
        page = new ListOutcome(ReadStatus.Ok, nodes, rest.Length > PageSize ? nodes[^1].Entry.Name : null, TimeSpan.FromSeconds(5));
        return IsLeased;
    }

    public ValueTask<IBlockConnection?> FindAsync(FileKey key, CancellationToken cancellationToken) => new(this);

    public string? SiloOf(FileKey key) => "one";

    public ValueTask<ReadStatus> PresentAsync(ReadCapability capability, CancellationToken cancellationToken) => new(ReadStatus.Ok);

    public async ValueTask<ResidencyOutcome> EnsureAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        lock (_resident)
        {
            MostInFlight = Math.Max(MostInFlight, ++_inFlight);
        }

        Ensured.Enqueue(key);
        await Hold.WaitAsync(cancellationToken);
        lock (_resident)
        {
            _inFlight--;
        }

        return new ResidencyOutcome(Answer(key), 1, lengthBytes, !_resident.TryAdd(key, true));
    }

    public ValueTask<ReadStatus> PrefetchAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        Prefetched.Enqueue(key);
        return new(ReadStatus.Ok);
    }

    public ValueTask<StatusOutcome> GetStatusAsync(CancellationToken cancellationToken) =>
        new(new StatusOutcome(ReadStatus.Ok, Encoding.UTF8.GetBytes(Status)));

    public ValueTask<LeaseOutcome> LeaseAsync(FileKey key, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ReadOutcome> ReadAsync(
        FileKey key, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<ReadOutcome> ReadBatchAsync(Memory<BatchRead> reads, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<ReadStatus> ReportAsync(ReadOnlyMemory<UsageReport> reports, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
