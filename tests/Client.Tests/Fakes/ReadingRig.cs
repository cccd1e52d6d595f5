using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Namespaces;
using OrleansCache.Reading;
using OrleansCache.Routing;

namespace OrleansCache.Client.Tests.Fakes;

/// <summary>A file opener over one fake silo, with its own folder.</summary>
internal sealed class ReadingRig : IBlockRouter, ICapabilitySource, IDisposable
{
    public const int BlockSize = BlockLayout.MinBlockSizeBytes;
    public static readonly TimeSpan IdleFor = TimeSpan.FromSeconds(2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ocache-client-");

    public ReadingRig(int length, int maxLeases = 100, int maxIdle = 10, TimeSpan? deadline = null, int seed = 1)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        Silo = new FakeConnection(Path.Combine(_folder.FullName, "cache"), content, BlockSize);
        Current = Silo;
        Leases = new LeaseTable(maxLeases, maxIdle, IdleFor, Time, Removed.Add);
        Node = MakeNode("f", length, 1);
        Services = new ReadServices(
            this, this, Leases, Budget,
            new ReaderOptions { Deadline = deadline ?? TimeSpan.FromSeconds(10), MaxReadaheadBytes = 64 << 20 },
            TimeProvider.System, NullLogger.Instance);
        Opener = new FileOpener(Services);
    }

    /// <summary>The clock of the leases.</summary>
    public ManualTime Time { get; } = new();

    public FakeConnection Silo { get; }

    /// <summary>What the router finds; null while the silo is down.</summary>
    public FakeConnection? Current { get; set; }

    public LeaseTable Leases { get; }

    public List<SharedFile> Removed { get; } = [];

    public ReadaheadBudget Budget { get; } = new(1L << 30);

    public ReadServices Services { get; }

    public FileOpener Opener { get; }

    public NodeEntry Node { get; set; }

    /// <summary>What a renewal answers.</summary>
    public NodeOutcome Renewed { get; set; }

    public int Renewals { get; private set; }

    public static NodeEntry MakeNode(string name, long length, long modified)
    {
        var id = new FileId(1, (ulong)name[0]);
        var version = new FileVersion(length, modified, modified, null);
        var source = new SourceInfo
        {
            Id = FakeGrains.Source,
            Path = "/d",
            Uri = "file:///data",
            Options = new SourceOptions { BlockSizeBytes = BlockSize },
            Root = FakeGrains.Directory("root").Metadata,
        };
        return new NodeEntry($"/d/{name}", source, name, new FileEntry
        {
            Name = name,
            Metadata = new FileMetadata { Id = id, Kind = FileKind.File, Version = version, Mode = 0x81A4 },
            Key = FileKey.Derive(source.Id, id, version, new BlockLayout(BlockSize)),
            BlockSizeBytes = BlockSize,
            Seal = new CapabilitySeal(100, 1, 1),
        });
    }

    public async Task<IFileReader> OpenAsync()
    {
        var outcome = await Opener.OpenAsync(Node, default);
        Assert.Equal(ReadStatus.Ok, outcome.Status);
        return outcome.Reader!;
    }

    /// <summary>Reads a range and compares it with the content.</summary>
    public async Task CheckAsync(IFileReader reader, int offset, int length)
    {
        var buffer = new byte[length];
        var outcome = await reader.ReadAsync(offset, buffer, default);
        var expected = Math.Clamp(Silo.Content.Length - offset, 0, length);
        Assert.Equal(new FileReadOutcome(ReadStatus.Ok, expected), outcome);
        var right = Silo.Content.AsSpan(Math.Min(offset, Silo.Content.Length), expected);
        Assert.True(right.SequenceEqual(buffer.AsSpan(0, expected)), $"wrong bytes at {offset}+{length}");
    }

    public ValueTask<IBlockConnection?> FindAsync(FileKey key, CancellationToken cancellationToken) => new(Current);

    public string? SiloOf(FileKey key) => "one";

    public ValueTask<NodeOutcome> RenewAsync(NodeEntry node, CancellationToken cancellationToken)
    {
        Renewals++;
        return new(Renewed);
    }

    public void Dispose()
    {
        Leases.CloseIdle();
        _folder.Delete(recursive: true);
    }
}
