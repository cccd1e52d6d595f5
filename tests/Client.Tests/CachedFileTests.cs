using System.Diagnostics;
using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Files;
using OrleansCache.Reading;

namespace OrleansCache.Client.Tests;

/// <summary>An open file as a .NET programmer sees it: a stream, random access, exceptions, activities.</summary>
public sealed class CachedFileTests
{
    private const int Block = ReadingRig.BlockSize;

    [Fact]
    public async Task It_reads_like_a_stream_and_at_any_offset()
    {
        using var rig = new ReadingRig(2 * Block + 17);
        await using var file = await OpenAsync(rig);
        var content = rig.Silo.Content;
        Assert.Equal((content.Length, 0L, true, true, false), ((int)file.Length, file.Position, file.CanRead, file.CanSeek, file.CanWrite));

        var tail = new byte[100];
        Assert.Equal(17, await file.ReadAsync(2 * Block, tail));
        Assert.Equal(content[^17..], tail[..17]);
        Assert.Equal(0, await file.ReadAsync(content.Length, tail));
        Assert.Equal(0, file.Position); // Random access leaves the stream where it is.

        var copy = new MemoryStream();
        await file.CopyToAsync(copy);
        Assert.Equal(content, copy.ToArray());
        Assert.Equal(content.Length, file.Position);
        file.Seek(-5, SeekOrigin.End);
        Assert.Equal(5, await Task.Factory.FromAsync(file.BeginRead(tail, 0, 100, null, null), file.EndRead));
        Assert.Equal(content[^5..], tail[..5]);
        file.Position = 3;
        Assert.Equal(10, file.Read(tail.AsSpan(0, 10))); // At hand by now.
        Assert.Equal(content[3..13], tail[..10]);
        Assert.Throws<NotSupportedException>(() => file.Write(tail));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(tail, 90, 20));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => file.ReadAsync(-1, tail).AsTask());
    }

    [Fact]
    public void A_synchronous_read_that_fails_in_the_midst_leaves_the_position_where_it_was()
    {
        using var file = new CachedFile(new FailsInTheMidst(), CacheEntry.From(ReadingRig.MakeNode("f", FailsInTheMidst.Length, 1)));
        file.Position = 5;
        Assert.Throws<ClusterUnreachableException>(() => file.Read(new byte[FailsInTheMidst.Length].AsSpan()));
        Assert.Equal(5, file.Position);
        Assert.Equal(100, file.Read(new byte[100].AsSpan()));
        Assert.Equal(105, file.Position);
    }

    [Fact]
    public async Task A_cancelled_read_and_a_disposed_file_say_so_also_for_what_is_at_hand()
    {
        using var rig = new ReadingRig(Block);
        var file = await OpenAsync(rig);
        var buffer = new byte[10];
        await file.ReadExactlyAsync(buffer);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => file.ReadAsync(0, buffer, new CancellationToken(true)).AsTask());
        await file.DisposeAsync();
        await file.DisposeAsync();
        Assert.False(file.CanRead);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => file.ReadAsync(0, buffer).AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => file.ReadAsync(buffer).AsTask());
        Assert.Throws<ObjectDisposedException>(() => file.Read(buffer));
        Assert.Throws<ObjectDisposedException>(() => file.Read(buffer, 0, 5));
    }

    [Fact]
    public async Task A_silo_that_is_away_too_long_is_an_error_with_what_was_spent_on_it()
    {
        using var rig = new ReadingRig(Block, deadline: TimeSpan.FromMilliseconds(150));
        await using var file = await OpenAsync(rig);
        rig.Current = null;
        var error = await Assert.ThrowsAsync<ClusterUnreachableException>(() => file.ReadAsync(0, new byte[10]).AsTask());
        Assert.True(error.Attempts > 1, $"{error.Attempts} attempts");
        Assert.True(error.Elapsed >= TimeSpan.FromMilliseconds(100), $"{error.Elapsed}");
        Assert.Contains($"reading {rig.Node.Path} failed", error.Message, StringComparison.Ordinal);
        Assert.True(Assert.Throws<ClusterUnreachableException>(() => file.Read(new byte[10], 0, 10)).Attempts > 1);
        Assert.Contains($"tried {error.Attempts} times in ", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(error.Advice);
    }

    [Fact]
    public async Task A_warm_read_allocates_nothing()
    {
        using var rig = new ReadingRig(Block);
        await using var file = await OpenAsync(rig);
        var buffer = new byte[100];
        for (var i = 0; i < 200; i++)
        {
            await ReadBothWaysAsync(file, buffer);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            var reading = ReadBothWaysAsync(file, buffer);
            Assert.True(reading.IsCompletedSuccessfully);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task Only_a_read_that_waits_is_an_activity_and_its_failure_is_noted()
    {
        using var rig = new ReadingRig(2 * Block, deadline: TimeSpan.FromMilliseconds(150));
        await using var file = await OpenAsync(rig);
        var seen = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == CacheClient.TelemetryName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                // Other tests run beside this one, with files of other names.
                if (activity.GetTagItem("ocache.path") is string path && path == file.Entry.Path)
                {
                    seen.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        await file.ReadAsync(5, new byte[10]);
        await file.ReadAsync(5, new byte[10]);
        var read = Assert.Single(seen);
        Assert.Equal(("ocache.read", ActivityKind.Client, ActivityStatusCode.Unset), (read.OperationName, read.Kind, read.Status));
        Assert.Equal((5L, 10), (read.GetTagItem("ocache.offset"), read.GetTagItem("ocache.bytes")));

        rig.Current = null;
        var error = await Assert.ThrowsAsync<ClusterUnreachableException>(() => file.ReadAsync(Block, new byte[10]).AsTask());
        Assert.Equal(2, seen.Count);
        Assert.Equal((ActivityStatusCode.Error, error.Message), (seen[1].Status, seen[1].StatusDescription));
        Assert.Equal(error.GetType().FullName, seen[1].GetTagItem("error.type"));
        Assert.Equal(error.Attempts, seen[1].GetTagItem("ocache.attempts"));
    }

    private static async Task<CachedFile> OpenAsync(ReadingRig rig)
    {
        rig.Node = ReadingRig.MakeNode($"{Guid.NewGuid():n}", rig.Silo.Content.Length, 1);
        return new CachedFile(await rig.OpenAsync(), CacheEntry.From(rig.Node));
    }

    private static ValueTask<int> ReadBothWaysAsync(CachedFile file, byte[] buffer)
    {
        file.Position = 7;
        var reading = file.ReadAsync(buffer.AsMemory());
        return reading.IsCompletedSuccessfully && reading.Result == buffer.Length ? file.ReadAsync(9L, buffer) : reading;
    }

    /// <summary>Its silo is gone when the second half is asked for.</summary>
    private sealed class FailsInTheMidst : IFileReader
    {
        public const int Length = 4 << 20;

        public long LengthBytes => Length;

        public ValueTask<int> GetCachedPercentAsync(CancellationToken cancellationToken) => new(0);

        public bool TryRead(long offsetBytes, Span<byte> destination, out int bytesRead)
        {
            bytesRead = 0;
            return false;
        }

        public ValueTask<FileReadOutcome> ReadAsync(long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken) =>
            new(offsetBytes < Length / 2
                ? new FileReadOutcome(ReadStatus.Ok, destination.Length)
                : new FileReadOutcome(ReadStatus.Unavailable, 0));

        public void Dispose()
        {
        }
    }
}
