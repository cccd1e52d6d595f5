using OrleansCache.Fakes.S3;
using OrleansCache.LocalCluster;

namespace OrleansCache.Posix.Tests.S3;

/// <summary>The store's own log says how often it was asked.</summary>
public sealed class ExactlyOnceTests
{
    private const int Files = 8;
    private const int Block = 4 << 20;
    private const ulong Seed = 42;

    /// <summary>1 GiB here; OCACHE_TEST_LONG=1 makes it the 4 GiB of the promise.</summary>
    private static readonly long FileLength =
        (Environment.GetEnvironmentVariable("OCACHE_TEST_LONG") == "1" ? 512L : 128L) * 1024 * 1024;

    [Fact]
    public async Task Each_block_is_asked_for_once_whatever_reads_it_and_a_second_pass_asks_nothing()
    {
        await using var stack = await S3Stack.StartAsync(
            bucket =>
            {
                for (var file = 0; file < Files; file++)
                {
                    bucket.PutSynthetic(KeyOf(file), FileLength, Seed + (ulong)file);
                }
            },
            ["sync=interval(1h)"], capacity: "8GiB");
        await stack.MountAsync("second");
        stack.Store.Log.Reset();

        // Two mounts, four readers each: every file is read by all of them, two of four at a time from its middle.
        await ReadAllAsync(stack, stack.Mounts);
        var gets = stack.Store.Log.Requests.Where(request => request.Operation == S3Operation.GetObject).ToList();
        var blocks = Files * (FileLength / Block);
        Assert.Equal(blocks, gets.Count);
        Assert.Equal(blocks, gets.Select(request => (request.Key, request.Range)).Distinct().Count());
        Assert.Equal(Files * FileLength, gets.Sum(request => request.BytesSent));
        Assert.All(gets, request => Assert.NotNull(request.IfMatch));

        PageCache.TryDrop();
        stack.Store.Log.Reset();
        await ReadAllAsync(stack, [stack.Mounts[1]]);
        Assert.Empty(stack.Store.Log.Requests);
    }

    /// <summary>A storm of stat and ls on a source nobody has looked at: SEMANTICS says how many questions that may cost.</summary>
    [Fact]
    public async Task A_storm_of_stat_and_ls_costs_a_bounded_number_of_requests()
    {
        const int Count = 20_000;
        await using var stack = await S3Stack.StartAsync(
            bucket => bucket.Generate(new GeneratedObjects { Count = Count, KeyOf = index => $"flat/{index:D6}" }), ["sync=interval(1h)"]);
        stack.Store.Log.Reset();
        var storms = Enumerable.Range(0, 8).Select(storm => MountReader.OnThread(() =>
        {
            var random = new Random(storm);
            for (var index = 0; index < 2_000; index++)
            {
                Assert.Equal(4096, new FileInfo(stack.Mounted($"flat/{random.Next(Count):D6}")).Length);
                Assert.False(File.Exists(stack.Mounted($"flat/none-{index}")));
            }

            Assert.Equal(Count, Directory.EnumerateFiles(stack.Mounted("flat")).Count());
        }));
        await Task.WhenAll(storms);

        // The bound docs/SEMANTICS.md states: pages of 1,000, at most 17 single questions for each of them, and a few for the directories.
        var (lists, heads) = (stack.Store.Log.Count(S3Operation.ListObjects), stack.Store.Log.Count(S3Operation.HeadObject));
        Assert.InRange(lists, Count / 1000, (Count / 1000) + 100);
        Assert.InRange(heads, 0, 16 + (17 * ((Count / 1000) + 1)));
        Assert.Equal(0, stack.Store.Log.Count(S3Operation.GetObject));

        stack.Store.Log.Reset();
        await stack.Silo.KillAsync();
        await stack.Silo.RestartAsync();
        var ls = await Command.RunAsync("ls", ["-l", stack.Mounted("flat")]);
        Assert.Equal(Count + 1, ls.Checked("ls -l").Output.Count(character => character == '\n'));

        // The bucket is opened and the way to the directory looked up; none of its twenty pages is listed again.
        Assert.InRange(stack.Store.Log.Total, 0, 10);
    }

    /// <summary>With <c>sync=always</c> an open costs one HEAD, and that is all.</summary>
    [Fact]
    public async Task An_open_with_sync_always_is_one_HEAD()
    {
        await using var stack = await S3Stack.StartAsync(
            bucket => bucket.PutSynthetic("file", 100_000, Seed), ["sync=always"]);
        Assert.NotNull(MountReader.TryRead(stack.Mounted("file")).Bytes);
        stack.Store.Log.Reset();
        for (var open = 0; open < 20; open++)
        {
            using var handle = File.OpenHandle(stack.Mounted("file"));
            Assert.Equal(SyntheticBytes.Range(Seed, 0, 100_000), MountReader.ReadAll(handle));
        }

        // The kernel looks a name up and may ask again for its attributes; every one is a HEAD of this key.
        Assert.Equal(stack.Store.Log.Total, stack.Store.Log.Count(request => request is { Operation: S3Operation.HeadObject, Key: "file" }));
        Assert.InRange(stack.Store.Log.Total, 20, 60);
    }

    private static string KeyOf(int file) => $"data/shard-{file:D3}.bin";

    private static Task ReadAllAsync(S3Stack stack, IReadOnlyList<LocalMount> mounts) => Task.WhenAll(
        mounts.SelectMany(mount => Enumerable.Range(0, 4).Select(reader => MountReader.OnThread(() =>
        {
            for (var step = 0; step < Files; step++)
            {
                var file = reader % 2 == 0 ? step : Files - 1 - step;
                ReadAndCheck(Path.Combine(mount.Path, KeyOf(file)), Seed + (ulong)file, reader < 2 ? 0 : FileLength / 2);
            }
        }))));

    private static void ReadAndCheck(string path, ulong seed, long from)
    {
        using var handle = File.OpenHandle(path);
        Assert.Equal(FileLength, RandomAccess.GetLength(handle));
        var (bytes, expected) = (new byte[1 << 20], new byte[1 << 20]);
        for (var done = 0L; done < FileLength;)
        {
            var at = (from + done) % FileLength;
            var read = RandomAccess.Read(handle, bytes.AsSpan(0, (int)Math.Min(bytes.Length, FileLength - at)), at);
            Assert.True(read > 0, $"nothing at {at} of {path}");
            SyntheticBytes.Fill(seed, at, expected.AsSpan(0, read));
            Assert.True(bytes.AsSpan(0, read).SequenceEqual(expected.AsSpan(0, read)), $"wrong bytes at {at} of {path}");
            done += read;
        }
    }
}
