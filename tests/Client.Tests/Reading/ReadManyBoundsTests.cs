using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Files;

namespace OrleansCache.Client.Tests.Reading;

/// <summary>Reading many files: memory, and ends that come early.</summary>
public sealed class ReadManyBoundsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_slow_consumer_slows_the_reading_and_not_to_batches_of_one()
    {
        const long Budget = 1 << 20;
        var files = new SmallFiles(Budget);
        var paths = files.AddMany(3000, _ => 4096);
        var most = 0L;
        var read = await ReadManyTests.ReadAllAsync(files, paths, _ =>
        {
            most = Math.Max(most, files.Budget.UsedBytes);
            Thread.SpinWait(2000);
        });

        Assert.Equal(paths, read);
        Assert.InRange(most, Budget / 4, Budget);
        Assert.True(files.Batches < paths.Length / 4, $"{files.Batches} batches of {paths.Length} files");
    }

    [Fact]
    public async Task Missing_files_too_are_not_looked_up_endlessly_ahead()
    {
        var files = new SmallFiles(1 << 20);
        var asked = 0;
        IEnumerable<string> Paths()
        {
            for (; asked < 1_000_000; asked++)
            {
                yield return "/d/none";
            }
        }

        await using var results = files.ReadAsync(Paths()).GetAsyncEnumerator();
        Assert.True(await results.MoveNextAsync().AsTask().WaitAsync(Limit));
        await Eventually.TrueAsync(() => files.Budget.UsedBytes >= (1 << 20) - 4096, Limit);
        Assert.InRange(asked, 1, 1000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_stops_early_frees_everything(bool whileInFlight)
    {
        var files = new SmallFiles();
        var paths = files.AddMany(1000, _ => 10_000);
        var never = new TaskCompletionSource();
        await foreach (var result in files.ReadAsync(paths))
        {
            result.Dispose();
            files.BatchHold = () => never.Task;
            if (result.Path == "/d/5")
            {
                break;
            }
        }

        Assert.Equal((0, 0L), (files.InFlight, files.Budget.UsedBytes));
        if (whileInFlight)
        {
            await using var results = files.ReadAsync(paths).GetAsyncEnumerator();
            using var cancellation = new CancellationTokenSource();
            await using var cancelled = files.ReadAsync(paths, null, cancellation.Token).GetAsyncEnumerator(CancellationToken.None);
            var next = cancelled.MoveNextAsync().AsTask();
            await Eventually.TrueAsync(() => files.InFlight > 0, Limit);
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.WaitAsync(Limit));
            Assert.Equal((0, 0L), (files.InFlight, files.Budget.UsedBytes));
        }
    }

    /// <summary>The inner reading may not wait for memory that only the outer consumer could free.</summary>
    [Fact]
    public async Task A_reading_inside_a_reading_gets_memory()
    {
        var files = new SmallFiles(1 << 20);
        var paths = files.AddMany(40, _ => 300_000);
        var inner = 0;
        using var limit = new CancellationTokenSource(Limit);
        await foreach (var result in files.ReadAsync(paths, null, limit.Token))
        {
            inner += (await ReadManyTests.ReadAllAsync(files, paths[..5])).Count;
            result.Dispose();
        }

        Assert.Equal(40 * 5, inner);
        Assert.Equal(0, files.Budget.UsedBytes);
    }

    [Fact]
    public async Task What_is_thrown_by_the_paths_ends_the_reading_and_frees_everything()
    {
        var files = new SmallFiles();
        var paths = files.AddMany(100, _ => 1000);
        IEnumerable<string> Paths()
        {
            foreach (var path in paths)
            {
                yield return path;
            }

            throw new InvalidDataException("of the test");
        }

        var thrown = await Assert.ThrowsAsync<InvalidDataException>(() => ReadManyTests.ReadAllAsync(files, Paths()));
        Assert.Equal("of the test", thrown.Message);
        await Assert.ThrowsAsync<ArgumentNullException>(() => ReadManyTests.ReadAllAsync(files, ["/d/0", null!]));
        Assert.Equal((0, 0L), (files.InFlight, files.Budget.UsedBytes));
    }

    [Fact]
    public async Task Whatever_happens_every_reading_ends_and_frees_everything()
    {
        var seed = Environment.TickCount;
        for (var round = 0; round < 150; round++)
        {
            var random = new Random(seed + round);
            var files = new SmallFiles(1 << random.Next(20, 24));
            var paths = files.AddMany(random.Next(1, 300), _ => random.Next(4) == 0 ? random.Next(200_000) : random.Next(5000));
            var chance = random.Next(100);
            ReadStatus? Any() => Random.Shared.Next(100) < chance ? ReadStatus.Ok : (ReadStatus)Random.Shared.Next(13);
            files.Answer = _ => Any();
            files.SingleAnswer = _ => Any()!.Value;
            files.BatchStatus = random.Next(3) == 0 ? ReadStatus.Unavailable : ReadStatus.Ok;
            files.LookupHold = _ => Random.Shared.Next(4) == 0 ? Task.Delay(1) : Task.CompletedTask;
            files.BatchHold = () => Random.Shared.Next(2) == 0 ? Task.Delay(Random.Shared.Next(3)) : Task.CompletedTask;
            var stopAt = random.Next(paths.Length * 2);
            using var cancellation = new CancellationTokenSource(random.Next(3) == 0 ? TimeSpan.FromMilliseconds(random.Next(20)) : Limit);
            var read = 0;
            try
            {
                await foreach (var result in files.ReadAsync(paths, null, cancellation.Token))
                {
                    Assert.Equal(paths[read], result.Path);
                    if (result.Error is null)
                    {
                        files.IsRight(result);
                    }

                    result.Dispose();
                    if (++read == stopAt)
                    {
                        break;
                    }
                }

                Assert.Equal(Math.Min(paths.Length, stopAt == 0 ? int.MaxValue : stopAt), read);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
            }

            Assert.True(files.InFlight == 0 && files.Budget.UsedBytes == 0, $"seed {seed + round}: {files.Budget.UsedBytes} bytes are held");
        }
    }
}
