using System.Diagnostics;
using System.Text.Json;
using Xunit.Abstractions;

namespace OrleansCache.Posix.Tests;

/// <summary>docs/SEMANTICS.md 2.5 and 2.6 with the real programs: what a mount knew for an hour to come is taken back.</summary>
public sealed class SyncTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_mount_that_trusts_its_source_for_an_hour_sees_a_change_after_ocache_sync()
    {
        await using var stack = await Stack.StartAsync(
            root =>
            {
                Directory.CreateDirectory(Path.Combine(root, "deep", "down"));
                File.WriteAllText(Path.Combine(root, "deep", "down", "f"), "one");
                File.WriteAllText(Path.Combine(root, "other"), "one");
            },
            ["sync=interval(1h)"]);
        var (deep, fresh) = (stack.Mounted("deep/down/f"), stack.Mounted("deep/down/new"));
        Assert.Equal("one", await File.ReadAllTextAsync(deep));
        Assert.Equal("one", await File.ReadAllTextAsync(stack.Mounted("other")));
        Assert.False(File.Exists(fresh));
        foreach (var name in (string[])["deep/down/f", "deep/down/new", "other"])
        {
            var next = Path.Combine(stack.Folder("next"), "file");
            await File.WriteAllTextAsync(next, "and two");
            File.Move(next, Path.Combine(stack.Source, name), overwrite: true);
        }

        Assert.Equal("one", await File.ReadAllTextAsync(deep));
        Assert.False(File.Exists(fresh));
        var synced = (await stack.OcacheAsync("sync", $"{Stack.SourcePath}/deep/down/f", "--json")).Checked("ocache sync");
        Assert.Equal(7, JsonDocument.Parse(synced.Output).RootElement.GetProperty("size").GetInt64());
        await SeenAsync(() => File.ReadAllText(deep) == "and two");
        Assert.Equal("one", await File.ReadAllTextAsync(stack.Mounted("other")));
        Assert.Equal(0, (await stack.OcacheAsync("sync", Stack.SourcePath)).ExitCode);
        await SeenAsync(() => File.Exists(fresh) && File.ReadAllText(fresh) == "and two");
        await SeenAsync(() => File.ReadAllText(stack.Mounted("other")) == "and two");
        Assert.Equal(3, (await stack.OcacheAsync("sync", $"{Stack.SourcePath}/deep/none")).ExitCode);
        Assert.Equal(3, (await stack.OcacheAsync("sync", "/nowhere")).ExitCode);
    }

    // Far above the milliseconds it takes, far below the hour.
    private async Task SeenAsync(Func<bool> isSeen)
    {
        var clock = Stopwatch.StartNew();
        while (!isSeen())
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), "the change was not seen within a minute");
            await Task.Delay(20);
        }

        output.WriteLine($"seen after {clock.ElapsedMilliseconds} ms");
    }
}
