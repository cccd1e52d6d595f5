using System.Diagnostics;
using OrleansCache.LocalCluster;

namespace OrleansCache.Posix.Tests;

/// <summary>What a user sees when a process dies or a disk lies.</summary>
public sealed class CrashTests
{
    private const int Files = 40;

    [Fact]
    public async Task Readers_wait_for_a_killed_silo_and_go_on_and_nothing_is_fetched_again()
    {
        await using var stack = await Stack.StartAsync(WriteFiles);
        var hashes = HashAll(stack.Source);
        Assert.Equal(hashes, HashAll(stack.MountFolder));

        using var stop = new CancellationTokenSource();
        var passes = 0;
        var readers = Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    PageCache.TryDrop();
                    Assert.Equal(hashes, HashAll(stack.MountFolder));
                    Interlocked.Increment(ref passes);
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();

        await WaitUntilAsync(() => Volatile.Read(ref passes) >= 2, readers);
        await stack.Silo.KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(2));
        await stack.Silo.RestartAsync();
        var resumed = Volatile.Read(ref passes);
        await WaitUntilAsync(() => Volatile.Read(ref passes) >= resumed + 4, readers);
        await stop.CancelAsync();
        await Task.WhenAll(readers).WaitAsync(TimeSpan.FromSeconds(60));

        // A new mount has no descriptors of the time before: it really asks the restarted silo.
        await stack.Mount.DisposeAsync();
        await stack.MountAsync();
        PageCache.TryDrop();
        Assert.Equal(hashes, HashAll(stack.MountFolder));
        Assert.Equal(0, await stack.CounterAsync("under_storage_reads"));
        Assert.Equal(0, await stack.CounterAsync("bytes_from_under_storage"));
    }

    [Fact]
    public async Task A_killed_mount_daemon_hangs_nobody_and_the_next_mount_works()
    {
        await using var stack = await Stack.StartAsync(WriteFiles);
        var hashes = HashAll(stack.MountFolder);
        await stack.Mount.KillAsync();

        var ls = await Command.RunAsync("ls", [stack.MountFolder], TimeSpan.FromSeconds(10));
        Assert.NotEqual(0, ls.ExitCode);
        await stack.MountAsync();
        Assert.Equal(hashes, HashAll(stack.MountFolder));
    }

    [Fact]
    public async Task A_mount_daemon_killed_under_busy_readers_hangs_nobody()
    {
        await using var stack = await Stack.StartAsync(WriteFiles);
        using var reader = Process.Start("bash", ["-c", $"while cat '{stack.MountFolder}'/* > /dev/null 2>&1; do :; done"]);
        await Task.Delay(TimeSpan.FromSeconds(1));
        await stack.Mount.KillAsync();
        await reader.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
        await stack.MountAsync();
        Assert.Equal(Files, Directory.GetFiles(stack.MountFolder).Length);
    }

    [Fact]
    public async Task Sigterm_to_the_daemon_unmounts_cleanly()
    {
        await using var stack = await Stack.StartAsync(WriteFiles);
        HashAll(stack.MountFolder);
        using var daemon = Process.GetProcessById(stack.Mount.ProcessId);
        Signal.Terminate(daemon.Id);
        await daemon.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(15));
        Assert.Empty(ScratchFolder.MountsBelow(stack.MountFolder));
    }

    [Fact]
    public async Task Bytes_corrupted_on_disk_before_a_new_boot_are_found_fetched_again_and_counted()
    {
        await using var stack = await Stack.StartAsync(WriteFiles);
        var hashes = HashAll(stack.Source);
        Assert.Equal(hashes, HashAll(stack.MountFolder));
        await stack.Mount.DisposeAsync();
        await stack.Silo.KillAsync();

        var corrupted = CorruptCacheFiles(stack.Silo.TierFolder);
        Assert.True(corrupted > 0, "no cache file found to corrupt");
        await stack.Silo.RestartAsync(bootId: "00000000-0000-4000-8000-000000000002");
        await stack.MountAsync();
        PageCache.TryDrop();
        Assert.Equal(hashes, HashAll(stack.MountFolder));
        var refetched = await stack.CounterAsync("under_storage_reads");
        Assert.True(refetched >= 1, "nothing was fetched again");
        Assert.True(await stack.MetricAsync("ocache_tier_corrupt_blocks_total") >= corrupted, "corrupt blocks are not counted");
    }

    private static void WriteFiles(string root)
    {
        for (var index = 0; index < Files; index++)
        {
            Content.WriteRandom(Path.Combine(root, $"file-{index:D2}"), index % 8 == 0 ? 9_000_001 : 300_000 + index, index);
        }
    }

    private static SortedDictionary<string, string> HashAll(string root) => new(
        Directory.GetFiles(root).ToDictionary(path => Path.GetFileName(path), Content.Hash), StringComparer.Ordinal);

    /// <summary>Flips one byte in the middle of a few big cache files, as a disk would that lost a write.</summary>
    private static int CorruptCacheFiles(string tier)
    {
        var count = 0;
        foreach (var file in Directory.EnumerateFiles(tier, "*", SearchOption.AllDirectories)
            .Select(path => new FileInfo(path)).Where(file => file.Length is > 200_000 and < 400_000).Take(3))
        {
            using var handle = file.Open(FileMode.Open, FileAccess.ReadWrite);
            handle.Position = file.Length / 2;
            var value = handle.ReadByte();
            handle.Position = file.Length / 2;
            handle.WriteByte((byte)(value ^ 0xFF));
            count++;
        }

        return count;
    }

    private static async Task WaitUntilAsync(Func<bool> condition, Task[] readers)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(90), "the readers made no progress in 90 s");
            if (readers.FirstOrDefault(reader => reader.IsFaulted) is { } failed)
            {
                await failed;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }
}
