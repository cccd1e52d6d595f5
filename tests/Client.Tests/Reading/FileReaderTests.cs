using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Files;
using OrleansCache.Metadata;

namespace OrleansCache.Client.Tests.Reading;

public sealed class FileReaderTests
{
    private const int Block = ReadingRig.BlockSize;

    [Fact]
    public async Task A_complete_file_is_read_without_waiting_and_without_the_silo()
    {
        using var rig = new ReadingRig(3 * Block + 17);
        rig.Silo.FillAll();
        using var reader = await rig.OpenAsync();
        rig.Current = null;
        rig.Silo.IsOpen = false;
        var buffer = new byte[Block];
        Assert.True(reader.TryRead(3 * Block - 5, buffer, out var bytes));
        Assert.Equal(22, bytes);
        Assert.True(rig.Silo.Content.AsSpan(3 * Block - 5).SequenceEqual(buffer.AsSpan(0, 22)));
        Assert.True(reader.TryRead(3 * Block + 17, buffer, out bytes));
        Assert.Equal(0, bytes);
        Assert.Equal(100, await reader.GetCachedPercentAsync(default));
        Assert.Equal(0, rig.Silo.Ensures + rig.Silo.Reads);
    }

    [Fact]
    public async Task A_warm_read_allocates_nothing()
    {
        using var rig = new ReadingRig(2 * Block);
        rig.Silo.FillAll();
        using var reader = await rig.OpenAsync();
        var buffer = new byte[4096];
        Assert.True(reader.TryRead(0, buffer, out _));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            reader.TryRead(i * 512, buffer, out _);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task What_is_missing_is_made_resident_and_then_read_warm()
    {
        using var rig = new ReadingRig(4 * Block);
        using var reader = await rig.OpenAsync();
        var buffer = new byte[100];
        Assert.False(reader.TryRead(2 * Block, buffer, out _));
        await rig.CheckAsync(reader, 2 * Block, 100);
        Assert.True(reader.TryRead(2 * Block, buffer, out _));
        Assert.False(reader.TryRead(0, buffer, out _));
        Assert.True(await reader.GetCachedPercentAsync(default) is > 0 and < 100);
        Assert.Equal(0, rig.Silo.Reads);
    }

    [Fact]
    public async Task Bytes_that_arrive_in_pieces_are_read_as_they_come()
    {
        using var rig = new ReadingRig(4 * Block + 1) { Silo = { CutThroughBytes = 5000 } };
        using var reader = await rig.OpenAsync();
        await rig.CheckAsync(reader, Block - 70_000, 200_000);
        await rig.CheckAsync(reader, 4 * Block - 10, 100);
        Assert.Equal(0, rig.Silo.Reads);
    }

    [Fact]
    public async Task Random_ranges_are_right_whatever_is_resident()
    {
        const int Seed = 20261122;
        using var rig = new ReadingRig(6 * Block + 12345);
        using var reader = await rig.OpenAsync();
        var random = new Random(Seed);
        for (var i = 0; i < 300; i++)
        {
            if (i % 50 == 49)
            {
                rig.Silo.Replace(rig.Silo.Generation + 1);
            }

            rig.Silo.CutThroughBytes = random.Next(3) == 0 ? random.Next(1, 100_000) : long.MaxValue;
            rig.Silo.PassesDescriptors = random.Next(5) != 0;
            await rig.CheckAsync(reader, random.Next(rig.Silo.Content.Length + 100), random.Next(1, 300_000));
        }
    }

    [Fact]
    public async Task Readers_of_one_version_share_one_lease_and_an_idle_one_is_found_again()
    {
        using var rig = new ReadingRig(Block);
        rig.Silo.FillAll();
        using (await rig.OpenAsync())
        using (await rig.OpenAsync())
        {
            Assert.Equal((1, 1), (rig.Silo.Leases, rig.Leases.Leases));
        }

        using var again = await rig.OpenAsync();
        Assert.Equal((1, 1), (rig.Silo.Leases, rig.Leases.Leases));
    }

    [Fact]
    public async Task Idle_leases_are_bounded_and_their_last_reads_are_handed_over()
    {
        using var rig = new ReadingRig(Block, maxIdle: 3);
        rig.Silo.FillAll();
        for (var i = 0; i < 10; i++)
        {
            rig.Node = ReadingRig.MakeNode("f", Block, i + 1);
            using var reader = await rig.OpenAsync();
            Assert.True(reader.TryRead(0, new byte[10], out _));
        }

        Assert.Equal((3, 3), (rig.Leases.Leases, rig.Leases.Count));
        Assert.Equal(7, rig.Removed.Sum(file => file.TakeUsage().Reads));
    }

    [Fact]
    public async Task A_file_nobody_reads_keeps_its_lease_for_a_moment_only()
    {
        using var rig = new ReadingRig(Block);
        rig.Silo.FillAll();
        var reader = await rig.OpenAsync();
        Assert.True(reader.TryRead(0, new byte[10], out _));
        rig.Time.Advance(ReadingRig.IdleFor * 2);
        rig.Leases.CloseLongIdle();
        Assert.Equal(1, rig.Leases.Leases); // It is read.

        reader.Dispose();
        rig.Time.Advance(ReadingRig.IdleFor / 2);
        rig.Leases.CloseLongIdle();
        Assert.Equal(1, rig.Leases.Leases);
        rig.Time.Advance(ReadingRig.IdleFor / 2);
        rig.Leases.CloseLongIdle();
        Assert.Equal((0, 0), (rig.Leases.Leases, rig.Leases.Count));
    }

    [Fact]
    public async Task More_files_than_descriptors_are_read_through_the_data_plane()
    {
        using var rig = new ReadingRig(Block, maxLeases: 1);
        rig.Silo.FillAll();
        using var first = await rig.OpenAsync();
        rig.Node = ReadingRig.MakeNode("g", Block, 1);
        using var second = await rig.OpenAsync();
        await rig.CheckAsync(second, 10, 1000);
        Assert.Equal((1, 1), (rig.Leases.Leases, rig.Silo.Reads));
        first.Dispose();
        rig.Node = ReadingRig.MakeNode("h", Block, 1);
        using var third = await rig.OpenAsync();
        Assert.True(third.TryRead(0, new byte[10], out _));
    }

    [Fact]
    public async Task Over_TCP_the_data_plane_carries_the_bytes()
    {
        using var rig = new ReadingRig(2 * Block) { Silo = { PassesDescriptors = false } };
        using var reader = await rig.OpenAsync();
        await rig.CheckAsync(reader, 5, Block);
        Assert.Equal((0, 0, 1), (rig.Silo.Leases, rig.Silo.Ensures, rig.Silo.Reads));
    }

    [Fact]
    public async Task A_new_cache_file_is_leased_anew()
    {
        using var rig = new ReadingRig(2 * Block);
        using var reader = await rig.OpenAsync();
        await rig.CheckAsync(reader, 0, 100);
        rig.Silo.Replace(2);
        await rig.CheckAsync(reader, Block, 100);
        Assert.Equal(1, rig.Leases.Leases);
        await rig.CheckAsync(reader, 0, 100);
        Assert.Equal(0, rig.Silo.Reads);
    }

    [Fact]
    public async Task A_block_evicted_between_the_answer_and_the_lease_is_not_read_as_a_hole()
    {
        using var rig = new ReadingRig(3 * Block);
        rig.Silo.LeaseAnswers.Enqueue(ReadStatus.Unavailable);
        using var reader = await rig.OpenAsync();
        rig.Silo.BeforeLease = () =>
        {
            rig.Silo.BeforeLease = null;
            rig.Silo.Punch(1);
        };
        await rig.CheckAsync(reader, Block + 5, 1000);
        Assert.Null(rig.Silo.BeforeLease);
        await rig.CheckAsync(reader, Block, Block);
        Assert.Equal(1, rig.Leases.Leases);
    }

    [Fact]
    public async Task A_restarted_silo_is_waited_for()
    {
        using var rig = new ReadingRig(2 * Block);
        using var reader = await rig.OpenAsync();
        rig.Current = null;
        var reading = rig.CheckAsync(reader, 0, 1000);
        await Task.Delay(TimeSpan.FromMilliseconds(50));
        Assert.False(reading.IsCompleted);
        rig.Silo.IsPresented = false;
        rig.Current = rig.Silo;
        await reading.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(2, rig.Silo.Presents);
    }

    [Fact]
    public async Task The_wait_for_a_silo_ends_at_the_deadline()
    {
        using var rig = new ReadingRig(2 * Block, deadline: TimeSpan.FromMilliseconds(150));
        using var reader = await rig.OpenAsync();
        rig.Current = null;
        var read = await reader.ReadAsync(0, new byte[10], default);
        Assert.Equal(ReadStatus.Unavailable, read.Status);
        Assert.True(read.Effort.Attempts > 1 && read.Effort.Elapsed >= TimeSpan.FromMilliseconds(100), $"spent: {read.Effort}");
        var open = await rig.Opener.OpenAsync(ReadingRig.MakeNode("g", 5, 1), default);
        Assert.Equal(ReadStatus.Unavailable, open.Status);
        Assert.True(open.Effort.Attempts > 1, $"spent: {open.Effort}");
    }

    [Fact]
    public async Task A_cancelled_read_throws_and_the_reader_works_on()
    {
        using var rig = new ReadingRig(2 * Block);
        using var reader = await rig.OpenAsync();
        rig.Current = null;
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(30));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reader.ReadAsync(0, new byte[10], cancel.Token).AsTask());
        rig.Current = rig.Silo;
        await rig.CheckAsync(reader, 0, 10);
    }

    [Fact]
    public async Task A_version_that_is_gone_is_said_at_once()
    {
        using var rig = new ReadingRig(2 * Block);
        using var reader = await rig.OpenAsync();
        rig.Silo.EnsureAnswers.Enqueue(ReadStatus.StaleVersion);
        Assert.Equal(ReadStatus.StaleVersion, (await reader.ReadAsync(0, new byte[10], default)).Status);
        rig.Silo.EnsureAnswers.Enqueue(ReadStatus.AccessDenied);
        Assert.Equal(ReadStatus.AccessDenied, (await reader.ReadAsync(0, new byte[10], default)).Status);
    }

    [Fact]
    public async Task A_full_store_is_read_through()
    {
        using var rig = new ReadingRig(2 * Block);
        using var reader = await rig.OpenAsync();
        rig.Silo.EnsureAnswers.Enqueue(ReadStatus.Unavailable);
        await rig.CheckAsync(reader, 0, 10);
        Assert.Equal(1, rig.Silo.Reads);
    }

    [Fact]
    public async Task An_expired_right_is_renewed_when_the_version_is_the_same()
    {
        using var rig = new ReadingRig(2 * Block);
        using var reader = await rig.OpenAsync();
        rig.Silo.IsPresented = false;
        rig.Silo.NowUnixSeconds = 200;
        rig.Renewed = new NodeOutcome(
            ReadStatus.Ok, rig.Node with { Entry = rig.Node.Entry with { Seal = new CapabilitySeal(300, 2, 2) } }, TimeSpan.Zero);
        await rig.CheckAsync(reader, 0, 10);
        Assert.Equal(1, rig.Renewals);
    }

    [Fact]
    public async Task An_expired_right_of_a_replaced_file_is_stale()
    {
        using var rig = new ReadingRig(2 * Block);
        using var reader = await rig.OpenAsync();
        rig.Silo.IsPresented = false;
        rig.Silo.NowUnixSeconds = 200;
        rig.Renewed = new NodeOutcome(ReadStatus.Ok, ReadingRig.MakeNode("f", 2 * Block, 9), TimeSpan.Zero);
        Assert.Equal(ReadStatus.StaleVersion, (await reader.ReadAsync(0, new byte[10], default)).Status);
        rig.Renewed = new NodeOutcome(ReadStatus.NotFound, null, TimeSpan.Zero);
        var other = rig.Node with { Entry = rig.Node.Entry with { Key = new FileKey(1, 1) } };
        Assert.Equal(ReadStatus.StaleVersion, (await rig.Opener.OpenAsync(other, default)).Status);
    }

    [Fact]
    public async Task A_lease_that_cannot_be_had_is_not_asked_for_at_every_read()
    {
        using var rig = new ReadingRig(2 * Block);
        for (var i = 0; i < 100; i++)
        {
            rig.Silo.LeaseAnswers.Enqueue(ReadStatus.Unavailable);
        }

        using var reader = await rig.OpenAsync();
        for (var i = 0; i < 20; i++)
        {
            await rig.CheckAsync(reader, i * 1000, 100);
        }

        Assert.InRange(rig.Silo.Leases, 1, 5);
        Assert.Equal(0, rig.Leases.Leases);
    }

    [Fact]
    public async Task An_empty_file_needs_nothing()
    {
        using var rig = new ReadingRig(0);
        rig.Current = null;
        using var reader = await rig.OpenAsync();
        Assert.True(reader.TryRead(0, new byte[10], out var bytes));
        Assert.Equal((0, 100), (bytes, await reader.GetCachedPercentAsync(default)));
    }

    [Fact]
    public async Task Only_files_are_opened()
    {
        using var rig = new ReadingRig(1);
        var directory = rig.Node with { Entry = FakeGrains.Directory("d") };
        Assert.Equal(ReadStatus.IsADirectory, (await rig.Opener.OpenAsync(directory, default)).Status);
    }

    [Fact]
    public async Task Reads_and_dispose_at_the_same_time_give_right_bytes_or_none()
    {
        using var rig = new ReadingRig(2 * Block, maxIdle: 0);
        rig.Silo.FillAll();
        for (var round = 0; round < 200; round++)
        {
            var reader = await rig.OpenAsync();
            var reading = Task.Run(() =>
            {
                var buffer = new byte[1000];
                while (reader.TryRead(100, buffer, out var bytes))
                {
                    Assert.Equal(1000, bytes);
                    Assert.True(rig.Silo.Content.AsSpan(100, 1000).SequenceEqual(buffer));
                }
            });
            reader.Dispose();
            await reading.WaitAsync(TimeSpan.FromSeconds(10));
        }

        Assert.Equal((0, 0), (rig.Leases.Leases, rig.Leases.Count));
    }
}
