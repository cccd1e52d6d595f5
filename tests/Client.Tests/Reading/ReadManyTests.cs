using System.Diagnostics;
using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Files;
using OrleansCache.Metadata;

namespace OrleansCache.Client.Tests.Reading;

/// <summary>Reading many files: what comes, in which order, and what becomes of those that fail.</summary>
public sealed class ReadManyTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Files_come_in_the_order_asked_each_with_its_bytes()
    {
        var files = new SmallFiles();
        var paths = files.AddMany(500, index => index % 7 == 3 ? 0 : index * 37);
        paths = [.. paths, .. paths.Reverse()]; // twice each
        var read = await ReadAllAsync(files, paths);

        Assert.Equal(paths, read);
        Assert.True(files.Batches < paths.Length / 20, $"{files.Batches} batches");
        Assert.Equal((0, 0L), (files.Singles, files.Budget.UsedBytes));
    }

    [Fact]
    public async Task An_enumeration_is_one_activity_with_what_was_handed_over()
    {
        var files = new SmallFiles();
        string[] paths = [.. files.AddMany(30, _ => 1000), "/d/missing"];
        var seen = new List<Activity>();
        var mine = new Activity("test").Start(); // Other tests run beside this one.
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == CacheClient.TelemetryName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                if (activity.ParentSpanId == mine.SpanId)
                {
                    seen.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        await foreach (var result in files.ReadAsync(paths))
        {
            Assert.Same(mine, Activity.Current); // What the caller does with a file is its own.
            result.Dispose();
        }

        await foreach (var result in files.ReadAsync(paths))
        {
            result.Dispose();
            break;
        }

        using var stop = new CancellationTokenSource();
        files.BatchHold = async () =>
        {
            await stop.CancelAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, stop.Token);
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await files.ReadAsync(paths, cancellationToken: stop.Token).FirstOrDefaultAsync());
        mine.Stop();

        Assert.All(seen, static one => Assert.Equal(("ocache.read_many", ActivityKind.Client), (one.OperationName, one.Kind)));
        Assert.Equal(
            [
                (31L, 30_000L, 1L, ActivityStatusCode.Unset), (1L, 1000L, 0L, ActivityStatusCode.Unset), (0L, 0L, 0L, ActivityStatusCode.Error),
            ],
            seen.Select(one => (TagOf(one, "files"), TagOf(one, "bytes"), TagOf(one, "failed_files"), one.Status)));

        static long TagOf(Activity activity, string name) => (long)activity.GetTagItem($"ocache.{name}")!;
    }

    [Fact]
    public async Task What_cannot_be_read_is_one_typed_error_among_the_others()
    {
        var files = new SmallFiles();
        string[] paths = ["/d/missing", .. files.AddMany(50, _ => 1000), "/d/dir", "/d/large", "/d/denied", "/d/broken", "/d/last", "/d/gone"];
        files.Add("/d/dir", 0, kind: FileKind.Directory);
        files.Add("/d/large", 5001);
        foreach (var path in paths[^4..])
        {
            files.Add(path, 10);
        }

        files.Answer = path => path switch
        {
            "/d/denied" => ReadStatus.AccessDenied,
            "/d/broken" => ReadStatus.Unavailable,
            "/d/gone" => ReadStatus.StaleVersion,
            _ => ReadStatus.Ok,
        };
        files.SingleAnswer = static _ => ReadStatus.Unavailable;
        var errors = new List<(string, Type?)>();
        await foreach (var result in files.ReadAsync(paths, new ReadManyOptions { MaxFileBytes = 5000 }))
        {
            errors.Add((result.Path, result.Error?.GetType()));
            if (result.Error is null)
            {
                files.IsRight(result);
            }
            else
            {
                Assert.Same(result.Error, Assert.ThrowsAny<CacheClientException>(() => result.Memory));
            }

            result.Dispose();
        }

        Assert.Equal(
            paths.Select(path => (path, path switch
            {
                "/d/missing" or "/d/gone" => typeof(PathNotFoundException),
                "/d/dir" => typeof(WrongKindException),
                "/d/large" => typeof(FileTooLargeException),
                "/d/denied" => typeof(AccessRefusedException),
                "/d/broken" => typeof(ClusterUnreachableException),
                _ => null,
            })),
            errors);
        Assert.Equal(0, files.Budget.UsedBytes);
    }

    [Theory]
    [InlineData(0, true)] // an older silo
    [InlineData(8 << 20, false)] // none now
    public async Task Without_batches_files_are_read_one_by_one(int maxBatchBytes, bool hasSilo)
    {
        var files = new SmallFiles { MaxBatchBytes = maxBatchBytes, HasSilo = hasSilo };
        var paths = files.AddMany(200, index => index + 1);
        Assert.Equal(paths, await ReadAllAsync(files, paths));
        Assert.Equal((0, 200), (files.Batches, files.Singles));
    }

    [Fact]
    public async Task What_a_broken_batch_did_not_bring_is_read_one_by_one()
    {
        var files = new SmallFiles { BatchStatus = ReadStatus.Unavailable };
        var paths = files.AddMany(100, index => index + 1);
        files.Answer = path => int.Parse(path[3..], null) % 4 == 0 ? ReadStatus.Ok : null;
        Assert.Equal(paths, await ReadAllAsync(files, paths));
        Assert.Equal(75, files.Singles);
    }

    [Fact]
    public async Task While_a_silo_is_away_files_do_not_wait_for_each_others_deadlines()
    {
        var files = new SmallFiles(fileTimeout: TimeSpan.FromSeconds(1))
        {
            HasSilo = false,
            SingleHold = static () => new TaskCompletionSource().Task,
        };
        var paths = files.AddMany(400, index => index + 1);
        var errors = new List<CacheClientException?>();

        // Sixteen at a time, a second each, would be 25 s.
        var reading = Task.Run(async () =>
        {
            await foreach (var result in files.ReadAsync(paths))
            {
                errors.Add(result.Error);
                result.Dispose();
            }
        });
        await reading.WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Equal(400, errors.Count);
        Assert.All(errors, static error => Assert.IsType<ClusterUnreachableException>(error));
        Assert.Equal(0, files.Budget.UsedBytes);
    }

    [Fact]
    public async Task Large_files_are_read_by_themselves_also_beyond_the_budget()
    {
        var files = new SmallFiles(budgetBytes: 1 << 20);
        var paths = files.AddMany(6, index => index % 2 == 0 ? (9 << 20) + index : 100);
        Assert.Equal(paths, await ReadAllAsync(files, paths));
        Assert.Equal(3, files.Singles);
    }

    [Theory]
    [InlineData(5000)]
    [InlineData(100)]
    [InlineData(0)]
    public async Task A_file_replaced_since_it_was_looked_up_is_read_as_it_is_now(int newLength)
    {
        var files = new SmallFiles();
        var paths = files.AddMany(10, _ => 1000);
        files.Renewed["/d/4"] = new NodeOutcome(ReadStatus.Ok, files.Add("/d/4", newLength, modified: 2), TimeSpan.Zero);
        files.Add("/d/4", 1000);
        files.Answer = static path => path == "/d/4" ? ReadStatus.StaleVersion : ReadStatus.Ok;

        Assert.Equal(paths, await ReadAllAsync(files, paths, result => Assert.Equal(result.Path == "/d/4" ? newLength : 1000, result.Memory.Length)));
        Assert.Equal(0, files.Budget.UsedBytes);
    }

    [Fact]
    public async Task Names_are_looked_up_several_at_a_time()
    {
        var files = new SmallFiles();
        var paths = files.AddMany(100, _ => 10);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        files.LookupHold = _ => go.Task;
        var reading = ReadAllAsync(files, paths, options: new ReadManyOptions { LookupsAtOnce = 8 });
        await Eventually.TrueAsync(() => files.MostLookups == 8, Limit);
        go.SetResult();

        Assert.Equal(paths, await reading);
        Assert.Equal(8, files.MostLookups);
    }

    /// <summary>Else one name that nobody answers for would hold back what was found before it.</summary>
    [Fact]
    public async Task A_name_that_takes_long_does_not_hold_back_the_files_before_it()
    {
        var files = new SmallFiles();
        var paths = files.AddMany(10, _ => 10);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        files.LookupHold = path => path == "/d/7" ? go.Task : Task.CompletedTask;
        await using var results = files.ReadAsync(paths).GetAsyncEnumerator();
        for (var index = 0; index < 7; index++)
        {
            Assert.True(await results.MoveNextAsync().AsTask().WaitAsync(Limit));
            files.IsRight(results.Current);
        }

        var next = results.MoveNextAsync();
        Assert.False(next.IsCompleted);
        go.SetResult();
        Assert.True(await next.AsTask().WaitAsync(Limit));
    }

    [Fact]
    public async Task A_result_given_back_cannot_be_used()
    {
        var files = new SmallFiles();
        var paths = files.AddMany(1, _ => 10);
        await foreach (var result in files.ReadAsync(paths))
        {
            result.Dispose();
            result.Dispose();
            Assert.Throws<ObjectDisposedException>(() => result.Memory);
        }
    }

    /// <summary>Reads all, checks them and gives them back; the paths as they came.</summary>
    internal static async Task<List<string>> ReadAllAsync(
        SmallFiles files, IEnumerable<string> paths, Action<ReadManyResult>? look = null, ReadManyOptions? options = null)
    {
        var read = new List<string>();
        using var limit = new CancellationTokenSource(Limit);
        await foreach (var result in files.ReadAsync(paths, options, limit.Token))
        {
            files.IsRight(result);
            look?.Invoke(result);
            read.Add(result.Path);
            result.Dispose();
        }

        return read;
    }
}
