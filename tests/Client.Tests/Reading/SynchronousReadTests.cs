using System.Diagnostics;
using System.Text;
using OrleansCache.Client.Tests.Fakes;
using static System.Threading.ThreadState;

namespace OrleansCache.Client.Tests.Reading;

/// <summary>
/// A file as a Stream for code that reads synchronously, or that is many readers at once: with a thread pool that cannot grow, whoever
/// needed one of its threads to go on would never end.
/// </summary>
[Collection("alone")]
public sealed class SynchronousReadTests
{
    private const int Readers = 256;

    // One connection's worth: the rest may wait for their turn on it.
    private const int WaitingAtTheSilo = 60;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cold_file_is_a_stream_like_any_other(bool overUnix)
    {
        await using var rig = new WiredRig(overUnix);
        var content = Random(2 * WiredRig.BlockSize + 17, 1);
        var copy = new MemoryStream();
        await using (var file = await rig.OpenAsync(content))
        {
            file.CopyTo(copy);
            Assert.Equal((-1, content.Length), (file.ReadByte(), (int)file.Position));
        }

        Assert.Equal(content, copy.ToArray());
        await using (var file = await rig.OpenAsync(content))
        {
            using var reader = new BinaryReader(file);
            Assert.Equal(content[0], file.ReadByte());
            Assert.Equal(BitConverter.ToInt32(content, 1), reader.ReadInt32());
            file.Seek(-WiredRig.BlockSize, SeekOrigin.End);
            Assert.Equal(content[^WiredRig.BlockSize..], reader.ReadBytes(WiredRig.BlockSize + 5));
        }

        await using (var file = await rig.OpenAsync(content))
        {
            var all = new byte[content.Length + 10];
            Assert.Equal(content.Length, file.Read(all.AsSpan())); // Fewer than asked only at the end.
            Assert.Equal(content, all[..^10]);
        }

        var lines = string.Join('\n', Enumerable.Range(0, 50_000));
        await using (var file = await rig.OpenAsync(Encoding.UTF8.GetBytes(lines)))
        {
            using var reader = new StreamReader(file);
            Assert.Equal(lines, reader.ReadToEnd());
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Synchronous_readers_that_are_work_items_of_a_full_pool_need_no_other_thread_of_it(bool overUnix)
    {
        await using var rig = new WiredRig(overUnix);
        var files = await OpenAsync(rig);
        using var pool = new SmallThreadPool();
        var reading = files.Select(file => Task.Run(() => ReadAll(file))).ToArray();
        var between = Task.Run(static () => { });
        SmallThreadPool.Await(Task.WhenAll([.. reading, between]));
        Check(files.Length, index => reading[index].Result);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Synchronous_readers_on_threads_of_their_own_leave_the_pool_alone_while_they_wait(bool overUnix)
    {
        await using var rig = new WiredRig(overUnix);
        var files = await OpenAsync(rig);
        using var pool = new SmallThreadPool();
        var release = Hold(rig, files);
        var contents = new byte[Readers][];
        var threads = files.Select((file, index) => new Thread(() => contents[index] = ReadAll(file), 256 * 1024)).ToArray();
        Array.ForEach(threads, static thread => thread.Start());
        await Eventually.TrueAsync(
            () => rig.Service.Waiting >= WaitingAtTheSilo && threads.All(static thread => (thread.ThreadState & WaitSleepJoin) != 0),
            SmallThreadPool.Limit);
        SmallThreadPool.Await(Task.Run(static () => { }));
        Assert.All(contents, Assert.Null);
        release();
        Assert.All(threads, static thread => Assert.True(thread.Join(SmallThreadPool.Limit), "a reader has not ended"));
        Check(files.Length, index => contents[index]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Asynchronous_readers_leave_the_pool_alone_while_they_wait(bool overUnix)
    {
        await using var rig = new WiredRig(overUnix);
        var files = await OpenAsync(rig);
        using var pool = new SmallThreadPool();
        var release = Hold(rig, files);
        var reading = files.Select(file => Task.Run(() => ReadAllAsync(file))).ToArray();
        await Eventually.TrueAsync(() => rig.Service.Waiting >= WaitingAtTheSilo, SmallThreadPool.Limit);
        SmallThreadPool.Await(Task.Run(static () => { }));
        Assert.All(reading, static one => Assert.False(one.IsCompleted));
        release();
        SmallThreadPool.Await(Task.WhenAll(reading));
        Check(files.Length, index => reading[index].Result);
    }

    [Fact]
    public async Task The_read_timeout_holds_when_the_pool_has_no_thread_for_a_timer()
    {
        await using var rig = new WiredRig(overUnix: false, deadline: TimeSpan.FromMilliseconds(300));
        await using var file = await rig.OpenAsync(Random(1000, 1));
        var release = rig.Service.Hold(file.Entry.Key!.Value);
        Exception? error = null;
        var clock = new Stopwatch();
        using (var pool = new SmallThreadPool())
        using (pool.Fill())
        {
            var thread = new Thread(() => error = Record.Exception(() => file.Read(new byte[10], 0, 10)));
            clock.Start();
            thread.Start();
            Assert.True(thread.Join(SmallThreadPool.Limit), "the read has not ended");
        }

        release();
        Assert.IsType<CacheTimeoutException>(error);
        Assert.InRange(clock.Elapsed, TimeSpan.FromMilliseconds(290), TimeSpan.FromSeconds(20)); // A request by itself has 30 s.
        Assert.Equal(10, file.Read(new byte[10], 0, 10));
    }

    private static byte[] Random(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    // The fake silo gives leases in which the second block is still missing.
    private static byte[] ContentOf(int index) => Random(WiredRig.BlockSize + 1000 + index, index);

    private static async Task<CachedFile[]> OpenAsync(WiredRig rig)
    {
        var files = new CachedFile[Readers];
        for (var index = 0; index < Readers; index++)
        {
            files[index] = await rig.OpenAsync(ContentOf(index));
        }

        return files;
    }

    private static Action Hold(WiredRig rig, CachedFile[] files)
    {
        var releases = files.Select(file => rig.Service.Hold(file.Entry.Key!.Value)).ToArray();
        return () => Array.ForEach(releases, static release => release());
    }

    private static byte[] ReadAll(CachedFile file)
    {
        var copy = new MemoryStream();
        file.CopyTo(copy, 10_000);
        file.Dispose();
        return copy.ToArray();
    }

    private static async Task<byte[]> ReadAllAsync(CachedFile file)
    {
        var copy = new MemoryStream();
        await file.CopyToAsync(copy);
        await file.DisposeAsync();
        return copy.ToArray();
    }

    private static void Check(int count, Func<int, byte[]> contentOf)
    {
        for (var index = 0; index < count; index++)
        {
            Assert.True(ContentOf(index).AsSpan().SequenceEqual(contentOf(index)), $"wrong bytes of file {index}");
        }
    }
}

/// <summary>Runs while no other test does: the thread pool is the whole process's.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneDefinition;
