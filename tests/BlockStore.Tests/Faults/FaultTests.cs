namespace OrleansCache.BlockStore.Tests.Faults;

/// <summary>One fault at a time, and exactly what the store makes of it.</summary>
public sealed class FaultTests
{
    private const long Length = 3L * 262_144;

    [Theory]
    [InlineData("segment.", false, FaultRule.InputOutputError)]
    [InlineData("segment.", true, FaultRule.InputOutputError)]
    [InlineData("segment.", true, FaultRule.NoSpace)]
    [InlineData("commits", false, FaultRule.InputOutputError)]
    [InlineData("commits", true, FaultRule.InputOutputError)]
    public async Task A_failed_journal_write_ends_fills_not_reads_and_a_reopening_recovers(string path, bool torn, int errno)
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, Length, 0));
        io.Rules = [new(DiskCall.Write, torn ? FaultKind.Tear : FaultKind.Fail) { Path = path, Errno = errno }];
        Assert.Equal(FillFailure.DiskFailed, await FailingFillAsync(tier, 2));
        Assert.False(tier.Store.GetStats().Healthy);
        io.Rules = [];
        Assert.Equal(FillStatus.Unavailable, await tier.FillAsync(1, Length, 1));
        Assert.Equal(FillStatus.Resident, await tier.FillAsync(1, Length, 0));
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, TestTier.BlockSize));

        await tier.OpenAsync();
        Assert.True(await tier.Store.EnsureVerifiedAsync(TestTier.Key(1), 0, TestTier.BlockSize, CancellationToken.None));
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, TestTier.BlockSize));
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, Length, 1));
        Assert.True(tier.Store.GetStats().Healthy);
    }

    /// <summary>One file longer than the file system allows must not cost the disk.</summary>
    [Fact]
    public async Task A_file_that_is_too_long_for_the_file_system_is_read_past_the_store_and_the_disk_stays()
    {
        const int FileTooBig = 27;
        var io = new FaultyDiskIo(1) { Rules = [new(DiskCall.SetLength, FaultKind.Fail) { Errno = FileTooBig, Nth = 1 }] };
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        Assert.Equal(FillStatus.Refused, await tier.FillAsync(1, Length, 0));
        Assert.True(tier.Store.GetStats().Healthy);
        Assert.Equal(FillStatus.Started, await tier.FillAsync(2, Length, 0));
        await TestTier.UntilAsync(() => !File.Exists(tier.PathOf(1)), "its empty file to go");
    }

    [Fact]
    public async Task A_block_that_a_reader_could_not_read_is_compared_before_it_is_given_again()
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        tier.Store.Doubt(TestTier.Key(1), TestTier.BlockSize + 5, TestTier.BlockSize); // Parts of two blocks.
        tier.Store.Doubt(TestTier.Key(1), Length, 1);
        tier.Store.Doubt(TestTier.Key(2), 0, 1);
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, TestTier.BlockSize));
        Assert.Equal(PinStatus.Unproven, tier.Read(1, TestTier.BlockSize, 1));
        Assert.Equal(FillStatus.Resident, await tier.FillAsync(1, Length, 1));
        io.Rules = [new(DiskCall.Read, FaultKind.Fail)];
        Assert.False(await tier.Store.EnsureVerifiedAsync(TestTier.Key(1), 2L * TestTier.BlockSize, 1, CancellationToken.None));
        io.Rules = [];
        Assert.Equal(PinStatus.Missing, tier.Read(1, 2L * TestTier.BlockSize, 1));
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, Length, 2));
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, (int)Length));
    }

    [Fact]
    public async Task A_journal_that_cannot_be_born_ends_fills_and_closes()
    {
        var io = new FaultyDiskIo(1) { Rules = [new(DiskCall.Open, FaultKind.Fail) { Path = "segment." }] };
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        Assert.Equal(FillFailure.DiskFailed, await FailingFillAsync(tier, 1));
        await tier.CloseAsync();
    }

    [Theory]
    [InlineData("segment.")]
    [InlineData("commits")]
    [InlineData("checkpoint")]
    public async Task An_index_that_cannot_be_read_refuses_to_open_and_is_not_taken_for_an_empty_one(string path)
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await tier.OpenAsync();
        await tier.FillAllAsync(2, Length);
        io.Die();
        await tier.CloseAsync();

        tier.Io = new FaultyDiskIo(2) { Rules = [new(DiskCall.Read, FaultKind.Fail) { Path = path }] };
        var refused = await Assert.ThrowsAsync<BlockStoreException>(() => tier.OpenAsync().WaitAsync(TestTier.Limit));
        Assert.Contains(tier.Root, refused.Message, StringComparison.Ordinal);

        tier.Io = new FaultyDiskIo(3) { Rules = [new(DiskCall.Read, FaultKind.Tear) { Probability = 0.5 }] };
        await tier.OpenAsync();
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, (int)Length));
        Assert.Equal(PinStatus.Pinned, tier.Read(2, 0, (int)Length));
    }

    [Fact]
    public async Task What_was_written_before_a_failed_sync_is_not_believed_and_no_later_sync_makes_it_good()
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        var attempt = await tier.Store.BeginFillAsync(TestTier.Request(2, Length, 0), CancellationToken.None);
        Assert.True(TestTier.WriteAll(attempt.Fill!, TestTier.Key(2)));
        io.Rules = [new(DiskCall.SyncFileSystem, FaultKind.Fail) { Nth = 1 }];
        await Assert.ThrowsAnyAsync<IOException>(() => tier.Store.SyncAsync(CancellationToken.None).AsTask());

        Assert.False(await attempt.Fill!.CompleteAsync(CancellationToken.None), "a block whose bytes may be lost was shown");
        await Assert.ThrowsAnyAsync<IOException>(() => tier.Store.SyncAsync(CancellationToken.None).AsTask());
        Assert.Equal(PinStatus.Unproven, tier.Read(1, 0, 1));
        Assert.Equal(FillStatus.Resident, await tier.FillAsync(1, Length, 0)); // Verified: what it holds is still served.
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, TestTier.BlockSize));
        await tier.CloseAsync();

        Assert.Contains(tier.PathOf(1), io.LoseUnsynced(share: 1));
        tier.Io = new FaultyDiskIo(2);
        await tier.OpenAsync();
        foreach (var file in new[] { 1, 2 })
        {
            Assert.NotEqual(PinStatus.Pinned, tier.Read(file, 0, TestTier.BlockSize));
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, Length, 0));
            Assert.Equal(PinStatus.Pinned, tier.Read(file, 0, TestTier.BlockSize));
        }
    }

    [Fact]
    public async Task A_failed_writeback_is_a_failed_sync()
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        io.Rules = [new(DiskCall.Writeback, FaultKind.Fail)];
        await tier.FillAsync(2, Length, 0, mayFail: true);
        await TestTier.UntilAsync(() => !tier.Store.GetStats().Healthy, "the writeback to fail");
        await TestTier.UntilAsync(() => tier.Read(1, 0, 1) == PinStatus.Unproven, "everything to be distrusted");
        await TestTier.UntilAsync(() => File.Exists(Path.Combine(tier.Root, "distrust")), "the next start to be told");
    }

    [Fact]
    public async Task Fills_do_not_wait_for_a_disk_that_is_behind_and_few_of_them_are_on_their_way_to_it()
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        io.TakesWritebacks.Reset();
        try
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(file => tier.FillAsync(file, TestTier.BlockSize, 0)));
            await TestTier.UntilAsync(() => io.MostPendingWritebacks > 0, "the disk to be used");
        }
        finally
        {
            io.TakesWritebacks.Set();
        }

        await tier.CloseAsync();
        Assert.InRange(io.MostPendingWritebacks, 1, tier.Options().WritebackDepth);
    }

    [Fact]
    public async Task An_unproven_block_is_compared_with_the_device_and_not_with_the_page_cache()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        tier.Boot = Guid.NewGuid();
        await using var cut = await tier.CopyAsKilledAsync();
        var io = new FaultyDiskIo(1) { Calls = [] };
        cut.Io = io;
        await cut.OpenAsync();
        io.Calls.Clear();
        Assert.True(await cut.Store.EnsureVerifiedAsync(TestTier.Key(1), 0, 1, CancellationToken.None));
        var calls = io.Calls.Where(call => call.Path == cut.PathOf(1)).Select(call => call.Call).ToList();
        Assert.Equal(new DiskCall?[] { null, DiskCall.Read }, calls.Where(call => call is null or DiskCall.Read).Take(2));
    }

    [Fact]
    public async Task A_bad_block_whose_end_cannot_be_recorded_is_not_believed_by_the_next_start()
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await File.WriteAllBytesAsync(tier.PathOf(1), new byte[Length]);
        io.Rules = [new(DiskCall.Write, FaultKind.Fail) { Path = "segment." }];
        Assert.Equal(new VerifyReport(3, 3), await tier.Store.VerifyAsync(TestTier.Key(1), CancellationToken.None));
        io.Rules = [];
        await tier.OpenAsync();
        Assert.NotEqual(PinStatus.Pinned, tier.Read(1, 0, TestTier.BlockSize));
    }

    [Theory]
    [InlineData(FaultRule.InputOutputError)]
    [InlineData(FaultRule.TooManyFiles)]
    public async Task A_file_that_cannot_be_opened_is_a_miss_and_never_an_exception(int errno)
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await tier.CloseAsync();
        tier.Boot = Guid.NewGuid();
        await tier.OpenAsync(tier.Options(RebootTrust.Nothing));
        io.Rules = [new(DiskCall.Open, FaultKind.Fail) { Path = "/files/", Errno = errno }];
        Assert.Equal(LeaseStatus.Missing, tier.Store.TryLease(TestTier.Key(1), out _));
        Assert.False(await tier.Store.EnsureVerifiedAsync(TestTier.Key(1), 0, 1, CancellationToken.None));
        Assert.Equal(FillStatus.Unavailable, await tier.FillAsync(1, Length, 0));
        Assert.Equal(new VerifyReport(0, 0), await tier.Store.VerifyAsync(TestTier.Key(1), CancellationToken.None));
        io.Rules = [];
        Assert.Equal(FillStatus.Resident, await tier.FillAsync(1, Length, 0));
        Assert.Equal(0, tier.Store.GetStats().CorruptBlocks);
    }

    [Fact]
    public async Task Leftovers_that_cannot_be_punched_keep_nobody_from_the_blocks()
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, Length, 0));
        await tier.OpenAsync();
        io.Rules = [new(DiskCall.PunchHole, FaultKind.Fail)];
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, TestTier.BlockSize));
        Assert.Equal(LeaseStatus.Leased, tier.Store.TryLease(TestTier.Key(1), out var lease));
        lease!.Dispose();
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, Length, 1));
    }

    [Fact]
    public async Task A_torn_write_fails_its_fill_and_the_bytes_are_given_back()
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier { Io = io };
        await tier.OpenAsync();
        io.Rules = [new(DiskCall.Write, FaultKind.Tear) { Path = "/files/" }];
        Assert.Equal(FillFailure.DiskFailed, await FailingFillAsync(tier, 1));
        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1));
        await TestTier.UntilAsync(() => tier.Store.GetStats().UsedBytes == 0, "the bytes to be given back");
        Assert.False(tier.Store.GetStats().Healthy);
    }

    private static async Task<FillFailure> FailingFillAsync(TestTier tier, int file)
    {
        var attempt = await tier.Store.BeginFillAsync(TestTier.Request(file, Length, 0), CancellationToken.None);
        using var fill = attempt.Fill!;
        if (TestTier.WriteAll(fill, TestTier.Key(file)))
        {
            Assert.False(await fill.CompleteAsync(CancellationToken.None).AsTask().WaitAsync(TestTier.Limit));
        }

        return fill.Progress.Failure;
    }
}
