using OrleansCache.LocalCluster;

namespace OrleansCache.Posix.Tests;

/// <summary>A mount that has no Unix socket to its silo, as on another host: TCP carries every byte.</summary>
public sealed class TcpMountTests
{
    private const int Files = 30;
    private const int BigBytes = 21_000_001;

    [Fact]
    public async Task Without_a_Unix_socket_a_mount_reads_everything_over_TCP()
    {
        using var scratch = new ScratchFolder();
        var source = scratch.Folder("source");
        Content.WriteRandom(Path.Combine(source, "big"), BigBytes, 1);
        for (var i = 0; i < Files; i++)
        {
            Content.WriteRandom(Path.Combine(source, $"small-{i}"), 1 + (i * 3_777), i + 2);
        }

        await using var silo = await LocalSilo.StartAsync(scratch.Path);
        await silo.AttachAsync(source, "/data");

        // Nobody listens at a plain file; clients that are told of the socket find this.
        var socket = Path.Combine(silo.DataFolder, "run", "data.sock");
        File.Delete(socket);
        await File.WriteAllTextAsync(socket, string.Empty);

        // The second mount has nothing in the kernel's cache: it reads what the silo has cached by then.
        await CompareAsync(silo, source, Path.Combine(scratch.Path, "cold"));
        await CompareAsync(silo, source, Path.Combine(scratch.Path, "warm"));

        var metrics = await silo.GetAsync("/metrics");
        Assert.Contains("\nocache_tier_leases_total{", metrics, StringComparison.Ordinal);
        Assert.Equal(0, Sum(metrics, "ocache_tier_leases_total"));
        Assert.True(Sum(metrics, "ocache_dataplane_sent_bytes_total") >= 2 * BigBytes, metrics);

        var copy = Path.Combine(scratch.Path, "copy");
        (await Command.OcacheAsync(silo, ["cp", "/data/big", copy])).Checked("ocache cp");
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(source, "big")), await File.ReadAllBytesAsync(copy));
    }

    private static async Task CompareAsync(LocalSilo silo, string source, string mountPoint)
    {
        await using var mount = await LocalMount.StartAsync(silo, mountPoint, ["--path", "/data"]);
        var names = Directory.GetFiles(source).Select(file => Path.GetFileName(file)).ToList();
        Assert.Equal(Files + 1, names.Count);
        foreach (var name in names)
        {
            Assert.Equal((name, Content.Hash(Path.Combine(source, name))), (name, Content.Hash(Path.Combine(mount.Path, name))));
        }
    }

    private static double Sum(string metrics, string name) => metrics.Split('\n')
        .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line[name.Length] is ' ' or '{')
        .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
}
