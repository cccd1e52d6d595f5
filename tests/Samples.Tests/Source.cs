using System.Security.Cryptography;
using OrleansCache.LocalCluster;

namespace OrleansCache.Samples.Tests;

/// <summary>A silo with a small tree attached at <c>/data</c>, shared by the tests of a class.</summary>
public sealed class Source : IAsyncLifetime
{
    internal const string BigFile = "/data/big.bin";
    private readonly ScratchFolder _scratch = new();
    private LocalSilo? _silo;

    internal LocalSilo Silo => _silo ?? throw new InvalidOperationException("not started");

    internal string Folder => Path.Combine(_scratch.Path, "source");

    /// <summary>Files and bytes of the tree.</summary>
    internal (int Files, long Bytes) Total { get; private set; }

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        var random = new Random(13);
        var small = Directory.CreateDirectory(Path.Combine(Folder, "small")).FullName;
        await File.WriteAllTextAsync(Path.Combine(Folder, "hello.txt"), "hello from the source\nsecond line\n");
        for (var i = 0; i < 20; i++)
        {
            await WriteAsync(Path.Combine(small, $"{i}.bin"), random.Next(1, 50_000), random);
        }

        await WriteAsync(Path.Combine(Folder, "big.bin"), 9_000_001, random); // Three blocks, the last one ragged.
        var files = new DirectoryInfo(Folder).GetFiles("*", SearchOption.AllDirectories);
        Total = (files.Length, files.Sum(file => file.Length));
        _silo = await LocalSilo.StartAsync(_scratch.Path);
        await _silo.AttachAsync(Folder, "/data");
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_silo is not null)
        {
            await _silo.DisposeAsync();
        }

        _scratch.Dispose();
    }

    /// <summary>SHA-256 of a file of the tree.</summary>
    internal string HashOf(string name) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(Folder, name))));

    /// <summary>A folder of this class's own.</summary>
    internal string Scratch(string name) => _scratch.Folder(name);

    private static async Task WriteAsync(string path, int bytes, Random random)
    {
        var content = new byte[bytes];
        random.NextBytes(content);
        await File.WriteAllBytesAsync(path, content);
    }
}
