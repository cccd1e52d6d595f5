using OrleansCache.LocalCluster;

namespace OrleansCache.Posix.Tests;

/// <summary>docs/METRICS.md and what the silo shows are the same names.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Every_metric_begins_with_ocache_and_is_in_the_document()
    {
        await using var stack = await Stack.StartAsync(root => Content.WriteRandom(Path.Combine(root, "file"), 100_000, 1));
        await File.ReadAllBytesAsync(stack.Mounted("file"));
        var document = await File.ReadAllTextAsync(Path.Combine(Programs.Root, "docs", "METRICS.md"));
        var names = (await stack.Silo.GetAsync("/metrics")).Split('\n')
            .Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]).ToList();
        Assert.True(names.Count > 30, $"only {names.Count} metrics");
        Assert.All(names, name => Assert.StartsWith("ocache_", name, StringComparison.Ordinal));
        Assert.All(names, name => Assert.Contains($"`{name}`", document, StringComparison.Ordinal));
        var documented = document.Split('`').Where(word => word.StartsWith("ocache_", StringComparison.Ordinal)).ToHashSet();

        // Shown only once an S3 source was opened: UnderStorage.Tests compares them with the document.
        documented.RemoveWhere(name => name.StartsWith("ocache_under_storage_", StringComparison.Ordinal));

        // Shown only once they happened.
        string[] rare = ["ocache_dataplane_malformed_frames_total", "ocache_dataplane_refused_handshakes_total"];
        Assert.Empty(documented.Except(names).Except(rare));
    }
}
