using System.Collections.Concurrent;
using System.Diagnostics;
using OrleansCache.Fakes.S3;

namespace OrleansCache.Posix.Tests.S3;

/// <summary>
/// Objects that change while eight readers read them, two hundred times each way: a whole version or an error, never a mix, and
/// everything is right again by itself.
/// </summary>
public sealed class ChangingObjectTests
{
    private const int Rounds = 200;
    private const int Readers = 8;
    private const string Key = "set/object";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly int[] AllowedErrors = [MountReader.ESTALE, MountReader.ENOENT, MountReader.EACCES, MountReader.EIO];

    [Fact]
    public Task Replaced() => RunAsync(async run =>
    {
        var version = run.Publish();
        await run.SeenAsync(version);
    });

    [Fact]
    public Task Replaced_in_the_middle_of_an_answer() => RunAsync(async run =>
    {
        // Its first bytes are sent when the next version comes.
        var version = 0;
        using var mixing = run.Store.Misbehave(new Misbehaviour
        {
            When = Misbehaviour.On(S3Operation.GetObject, Key),
            Times = 1,
            MidReadAfter = 200,
            MidRead = () => version = run.Publish(),
        });
        run.Publish();
        await run.SeenAsync(null, () => version != 0);
        await run.SeenAsync(version);
    });

    [Fact]
    public Task Deleted() => RunAsync(async run =>
    {
        run.Bucket.Delete(Key);
        await run.ErrorSeenAsync(MountReader.ENOENT);
        await run.SeenAsync(run.Publish());
    });

    [Fact]
    public Task Truncated() => RunAsync(async run =>
    {
        // Half of its answers break off, too.
        using var cutting = run.Store.Misbehave(new Misbehaviour
        {
            When = Misbehaviour.On(S3Operation.GetObject, Key),
            Times = 2,
            TruncateAfter = 70_000,
        });
        await run.SeenAsync(run.PublishShorter());
        await run.SeenAsync(run.Publish());
    });

    [Fact]
    public Task Made_forbidden() => RunAsync(async run =>
    {
        var version = run.Publish();
        using (run.Store.Misbehave(new Misbehaviour { When = request => request.Key.StartsWith(Key, StringComparison.Ordinal), Status = 403 }))
        {
            await run.ErrorSeenAsync(MountReader.EACCES, orVersion: version);
        }

        await run.SeenAsync(run.Publish());
    });

    private static async Task RunAsync(Func<Run, Task> round)
    {
        await using var stack = await S3Stack.StartAsync(
            bucket => bucket.Put(Key, VersionedObject.Bytes(1)), ["block-size=256KiB", "sync=interval(20ms)"]);
        var run = new Run(stack);
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, Readers)
            .Select(_ => MountReader.OnThread(() => ReadUntil(stack.Mounted(Key), run, stop.Token))).ToArray();
        try
        {
            for (var index = 0; index < Rounds; index++)
            {
                await round(run);
                Assert.All(readers, reader => Assert.False(reader.IsCompleted, $"a reader ended: {reader.Exception}"));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(readers).WaitAsync(TimeSpan.FromSeconds(90));
        }

        Assert.True(run.WholeReads > Rounds, $"only {run.WholeReads} whole reads: the readers did not run");
        await NothingWrongStaysAsync(stack, run);
    }

    private static void ReadUntil(string path, Run run, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var (bytes, errno) = MountReader.TryRead(path);
            if (bytes is null)
            {
                Assert.Contains(errno, AllowedErrors);
                run.Note(errno);
                continue;
            }

            var version = VersionedObject.Check(bytes);
            Assert.True(version <= run.Newest, $"version {version} was never published");
            run.NoteWhole(version);
        }
    }

    /// <summary>After all of it, with the kernel's pages dropped: every reader sees the last version, from the cache too.</summary>
    private static async Task NothingWrongStaysAsync(S3Stack stack, Run run)
    {
        var last = run.Publish();
        await Run.WaitAsync(
            () => MountReader.TryRead(stack.Mounted(Key)).Bytes is { } bytes && VersionedObject.Check(bytes) == last, "the last version");
        for (var pass = 0; pass < 3; pass++)
        {
            LocalCluster.PageCache.TryDrop();
            var (bytes, errno) = MountReader.TryRead(stack.Mounted(Key));
            Assert.True(bytes is not null, $"errno {errno}");
            Assert.Equal(last, VersionedObject.Check(bytes));
        }
    }

    /// <summary>What was published and what the readers saw.</summary>
    private sealed class Run(S3Stack stack)
    {
        private readonly ConcurrentDictionary<int, long> _errorsSeenAt = new();
        private readonly Lock _publishing = new();
        private int _newest = 1;
        private int _newestSeen;
        private int _wholeReads;

        public FakeS3 Store => stack.Store;

        public FakeBucket Bucket => stack.Store.Bucket(S3Stack.Bucket);

        public int Newest => Volatile.Read(ref _newest);

        public int WholeReads => Volatile.Read(ref _wholeReads);

        public int Publish() => Publish(newest => newest + ((newest + 1) % 3 == 0 ? 2 : 1));

        public int PublishShorter() => Publish(newest => newest + 3 - (newest % 3));

        public void Note(int errno) => _errorsSeenAt[errno] = Stopwatch.GetTimestamp();

        public void NoteWhole(int version)
        {
            Interlocked.Increment(ref _wholeReads);
            int before;
            while ((before = Volatile.Read(ref _newestSeen)) < version
                && Interlocked.CompareExchange(ref _newestSeen, version, before) != before)
            {
            }
        }

        /// <summary>Some reader saw this version whole (or a condition of the test's own holds).</summary>
        public Task SeenAsync(int? version, Func<bool>? or = null) => WaitAsync(
            () => or?.Invoke() ?? Volatile.Read(ref _newestSeen) >= version, $"version {version} to be seen");

        /// <summary>Some reader got this error after now, or a fully cached version goes on being read.</summary>
        public Task ErrorSeenAsync(int errno, int? orVersion = null)
        {
            var since = Stopwatch.GetTimestamp();
            return WaitAsync(
                () => (_errorsSeenAt.TryGetValue(errno, out var at) && at > since)
                    || (orVersion is { } seen && Volatile.Read(ref _newestSeen) >= seen),
                $"errno {errno} to be seen");
        }

        private int Publish(Func<int, int> after)
        {
            lock (_publishing) // the store publishes, too, in the middle of an answer: an older version must not come last
            {
                // First the number: whoever reads the object may then know it.
                var version = after(Newest);
                Volatile.Write(ref _newest, version);
                Bucket.Put(Key, VersionedObject.Bytes(version));
                return version;
            }
        }

        public static async Task WaitAsync(Func<bool> condition, string what)
        {
            var clock = Stopwatch.StartNew();
            while (!condition())
            {
                Assert.True(clock.Elapsed < Patience, $"waited {clock.Elapsed} for {what}");
                await Task.Delay(TimeSpan.FromMilliseconds(2));
            }
        }
    }
}
