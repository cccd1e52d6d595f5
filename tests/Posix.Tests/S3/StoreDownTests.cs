using System.Diagnostics;
using OrleansCache.Fakes.S3;

namespace OrleansCache.Posix.Tests.S3;

/// <summary>The store is away for a minute.</summary>
public sealed class StoreDownTests
{
    private const int ColdReaders = 48;
    private const int RequestsPerSecond = 40;

    [Fact]
    public async Task Warm_reads_go_on_cold_ones_end_with_EIO_and_recovery_is_no_stampede()
    {
        await using var stack = await S3Stack.StartAsync(
            bucket =>
            {
                bucket.PutSynthetic("warm", 8 << 20, 1);
                for (var file = 0; file < ColdReaders; file++)
                {
                    bucket.PutSynthetic($"cold/{file:D3}", 100_000, 100 + (ulong)file);
                }
            },
            [$"requests-per-second={RequestsPerSecond}", "sync=interval(1h)"]);
        Assert.Equal(8 << 20, MountReader.TryRead(stack.Mounted("warm")).Bytes?.Length);
        Assert.Equal(ColdReaders, Directory.EnumerateFiles(stack.Mounted("cold")).Count());

        await stack.Store.StopListeningAsync();
        var down = Stopwatch.StartNew();
        var errors = new int[ColdReaders];
        var cold = Enumerable.Range(0, ColdReaders).Select(file => MountReader.OnThread(() =>
        {
            var (bytes, errno) = MountReader.TryRead(stack.Mounted($"cold/{file:D3}"));
            errors[file] = bytes is null ? errno : 0;
        })).ToArray();

        // All the while what is cached is read, also with the kernel's pages dropped.
        while (down.Elapsed < TimeSpan.FromSeconds(62) || !cold.All(reader => reader.IsCompleted))
        {
            LocalCluster.PageCache.TryDrop();
            var (bytes, errno) = MountReader.TryRead(stack.Mounted("warm"));
            Assert.True(bytes?.Length == 8 << 20, $"errno {errno} after {down.Elapsed}");
            Assert.True(down.Elapsed < TimeSpan.FromSeconds(150), "cold reads have no end");
            await Task.Delay(TimeSpan.FromMilliseconds(200));
        }

        Assert.All(errors, errno => Assert.Equal(MountReader.EIO, errno));

        stack.Store.Log.Reset();
        var waiting = Enumerable.Range(0, ColdReaders).Select(file => MountReader.OnThread(() =>
        {
            var (bytes, errno) = MountReader.TryRead(stack.Mounted($"cold/{file:D3}"));
            Assert.True(bytes is not null, $"errno {errno} for cold/{file:D3} after the store came back");
            Assert.Equal(SyntheticBytes.Range(100 + (ulong)file, 0, 100_000), bytes);
        })).ToArray();
        await Task.Delay(TimeSpan.FromSeconds(1));
        await stack.Store.StartListeningAsync();
        await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromSeconds(90));

        // In no second more than the bucket holds: what it saves up at most, and what drips in.
        var times = stack.Store.Log.Requests.Select(request => request.Timestamp).Order().ToList();
        var most = times.Max(start => times.Count(time => time >= start && time < start + Stopwatch.Frequency));
        Assert.InRange(most, 1, 2 * RequestsPerSecond);
        Assert.InRange(times.Count, ColdReaders, 3 * ColdReaders);
    }
}
