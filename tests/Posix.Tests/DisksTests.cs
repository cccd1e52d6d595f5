using System.Security.Cryptography;
using System.Text.Json;

namespace OrleansCache.Posix.Tests;

/// <summary><c>ocache disks</c> with the real programs.</summary>
public sealed class DisksTests
{
    /// <summary>docs/SEMANTICS.md 11.3: with every disk out, reads are not cached; back in, the disk serves what it had.</summary>
    [Fact]
    public async Task A_mount_reads_on_while_the_only_disk_is_out_and_finds_it_as_it_was()
    {
        await using var stack = await Stack.StartAsync(root =>
        {
            Content.WriteRandom(Path.Combine(root, "warm"), 9_000_000, 1);
            Content.WriteRandom(Path.Combine(root, "cold"), 5_000_000, 2);
        });
        var disk = stack.Silo.TierFolder;
        await SameAsync(stack, "warm");
        Assert.Equal(("in", null), await StateAsync(stack));

        var output = (await stack.OcacheAsync("disks", "out", disk)).Checked("ocache disks out").Output;
        Assert.Contains(disk, output, StringComparison.Ordinal);
        Assert.Equal(0, (await stack.OcacheAsync("disks", "out", disk, "--json")).ExitCode);
        Assert.Equal(("out", "taken out by hand"), await StateAsync(stack));
        await SameAsync(stack, "cold");
        Assert.Equal(0, await stack.MetricAsync("ocache_tier_in_service"));
        Assert.True(await stack.MetricAsync("ocache_fill_read_throughs_total") > 0, "nothing was read past the disk");

        (await stack.OcacheAsync("disks", "in", disk)).Checked("ocache disks in");
        Assert.Equal(("in", null), await StateAsync(stack));
        Assert.Equal(3, await stack.MetricAsync("ocache_tier_blocks"));
        var reads = await stack.CounterAsync("under_storage_reads");
        await stack.Mount.DisposeAsync();
        await stack.MountAsync(); // Another kernel's page cache: only the silo has the bytes.
        await SameAsync(stack, "warm");
        Assert.Equal(reads, await stack.CounterAsync("under_storage_reads"));

        var unknown = await stack.OcacheAsync("disks", "out", "/no/such/disk");
        Assert.Equal(3, unknown.ExitCode);
        Assert.Contains(disk, unknown.Error, StringComparison.Ordinal);
        Assert.Equal(3, (await stack.OcacheAsync("disks", "in", disk, "--silo", "nobody")).ExitCode);
    }

    private static async Task SameAsync(Stack stack, string name) => Assert.Equal(
        SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(stack.Source, name))),
        SHA256.HashData(await File.ReadAllBytesAsync(stack.Mounted(name))));

    private static async Task<(string? State, string? Reason)> StateAsync(Stack stack)
    {
        var answer = (await stack.OcacheAsync("disks", "--json")).Checked("ocache disks");
        using var json = JsonDocument.Parse(answer.Output);
        var disk = Assert.Single(json.RootElement.GetProperty("disks").EnumerateArray());
        Assert.Equal(stack.Silo.TierFolder, disk.GetProperty("path").GetString());
        Assert.Equal("nvme", disk.GetProperty("medium").GetString());
        return (disk.GetProperty("state").GetString(), disk.GetProperty("reason").GetString());
    }
}
