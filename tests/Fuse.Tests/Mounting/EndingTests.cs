using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Fuse.Mounting;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Fuse.Tests.Session;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Tests.Mounting;

/// <summary>All the ways a mount ends, and that each of them does end.</summary>
[Collection(MountCollection.Name)]
public sealed class EndingTests
{
    private readonly TestFileSystem _fileSystem = new();
    private readonly ConcurrentQueue<FuseReplyToken> _deferred = new();

    public EndingTests() => _fileSystem.AddFile("file", "content"u8.ToArray());

    [MountFact]
    public async Task An_unmount_ends_the_session_and_destroys_the_file_system()
    {
        await using var mount = await TestMount.StartAsync(_fileSystem);
        Assert.Equal("content", await TestMount.RunAsync(() => File.ReadAllText(mount.File("file"))));
        await mount.Mount.UnmountAsync().WaitAsync(TestMount.Limit);
        Assert.True(_fileSystem.Destroyed.Task.IsCompleted);
        Assert.Null(MountTable.Find(mount.Directory));
        Assert.False(_fileSystem.Connection!.InvalidateInode(1, 0, 0));
        await mount.Mount.StopAsync().WaitAsync(TestMount.Limit); // A second end is no error.
    }

    [MountFact]
    public async Task An_unmount_by_a_stranger_ends_the_session()
    {
        await using var mount = await TestMount.StartAsync(_fileSystem);
        using var umount = Process.Start("umount", [mount.Directory]);
        await mount.Mount.Completion.WaitAsync(TestMount.Limit);
        Assert.True(_fileSystem.Destroyed.Task.IsCompleted);
    }

    [MountFact]
    public async Task A_mount_in_use_is_busy_until_forced_and_lives_on_for_open_files()
    {
        await using var mount = await TestMount.StartAsync(_fileSystem);
        using (var file = await TestMount.RunAsync(() => RawCalls.Open(mount.File("file"))))
        {
            var busy = await Assert.ThrowsAsync<FuseMountException>(mount.Mount.UnmountAsync);
            Assert.Equal(FuseMountFailure.Busy, busy.Failure);
            Assert.Equal(7, await TestMount.RunAsync(() => RawCalls.ReadAt(file, new byte[9], 0)));
            FuseMount.Unmount(mount.Directory, forced: true);
            Assert.Null(MountTable.Find(mount.Directory));
            Assert.Equal(5, await TestMount.RunAsync(() => RawCalls.ReadAt(file, new byte[9], 2)));
            Assert.False(mount.Mount.Completion.IsCompleted);
        }

        await mount.Mount.Completion.WaitAsync(TestMount.Limit);
    }

    [MountFact]
    public async Task A_stop_ends_open_files_and_owed_reads_in_bounded_time()
    {
        _fileSystem.FileFlags = FuseOpenFlags.DirectIo;
        DeferReads();
        await using var mount = await TestMount.StartAsync(_fileSystem);
        using var file = await TestMount.RunAsync(() => RawCalls.Open(mount.File("file")));
        var reads = Enumerable.Range(0, 8)
            .Select(_ => TestMount.RunAsync(() => RawCalls.ReadAt(file, new byte[7], 0))).ToArray();
        WaitUntil(() => _deferred.Count == reads.Length, "the reads did not come");
        await mount.Mount.StopAsync().WaitAsync(TestMount.Limit);
        Assert.All(await Task.WhenAll(reads), result => Assert.True(result < 0, $"a read returned {result}"));
        Assert.All(_deferred, token => Assert.False(token.ReplyData("content"u8)));
        Assert.Equal(0, mount.Mount.Session.PendingCount);
        Assert.True(RawCalls.ReadAt(file, new byte[7], 0) < 0);
        Assert.True(_fileSystem.Destroyed.Task.IsCompleted);
    }

    [MountFact]
    public async Task A_session_stops_even_where_nothing_unmounts()
    {
        DeferReads();
        await using var mount = await TestMount.StartAsync(_fileSystem);
        using var file = await TestMount.RunAsync(() => RawCalls.Open(mount.File("file")));
        var read = TestMount.RunAsync(() => RawCalls.ReadAt(file, new byte[7], 0));
        WaitUntil(() => !_deferred.IsEmpty, "no read came");
        await mount.Mount.Session.StopAsync().WaitAsync(TestMount.Limit); // Only woken threads and closed descriptors.
        Assert.True(await read < 0);
        Assert.Equal(Errno.NotConnected, FileStatus.GetFresh(mount.Directory, out _));
        Assert.True(_fileSystem.Destroyed.Task.IsCompleted);
        FuseMount.Unmount(mount.Directory, forced: true);
    }

    [MountFact]
    public async Task A_dead_mount_is_told_from_a_living_one_although_its_attributes_are_cached()
    {
        await using var dead = await TestMount.StartAsync(_fileSystem);
        Assert.True(Directory.Exists(dead.Directory));
        await dead.Mount.Session.StopAsync().WaitAsync(TestMount.Limit);
        var next = await FuseMount.MountAsync(
            dead.Directory, new TestFileSystem(), new FuseMountOptions(), new FuseSessionOptions { Threads = 1 },
            TimeProvider.System, NullLogger.Instance);
        Assert.Single(FuseMount.List(), entry => entry.Path == dead.Directory);
        await next.StopAsync().WaitAsync(TestMount.Limit);
    }

    [MountFact]
    public async Task An_operation_that_never_returns_does_not_hold_up_the_stop()
    {
        using var stuck = new ManualResetEventSlim();
        _fileSystem.OnGetAttr = (in FuseRequest _) =>
        {
            stuck.Wait();
            return FuseReply.Error(Errno.InputOutput);
        };
        _fileSystem.Validity = TimeSpan.Zero;
        var options = new FuseSessionOptions { Threads = 2, StopTimeout = TimeSpan.FromMilliseconds(300) };
        await using var mount = await TestMount.StartAsync(_fileSystem, options);
        var stat = TestMount.RunAsync(() => FileStatus.GetFresh(mount.Directory, out _));
        WaitUntil(() => stuck.WaitHandle is not null && !stat.IsCompleted, "stat came back");
        await mount.Mount.StopAsync().WaitAsync(TestMount.Limit);
        Assert.NotEqual(Errno.None, await stat);
        stuck.Set();
    }

    [MountFact]
    public async Task A_file_system_that_fails_to_start_leaves_no_mount()
    {
        var directory = TestMount.NewDirectory();
        await Assert.ThrowsAsync<InvalidOperationException>(() => FuseMount.MountAsync(
            directory, new FailingStart(), new FuseMountOptions(), new FuseSessionOptions { Threads = 1 },
            TimeProvider.System, NullLogger.Instance));
        Assert.Null(MountTable.Find(directory));
        Directory.Delete(directory);
    }

    [MountFact]
    public async Task Notifications_under_load_do_not_hold_up_the_stop()
    {
        var node = _fileSystem.AddFile("big", new byte[4 << 20]);
        await using var mount = await TestMount.StartAsync(_fileSystem);
        using var over = new CancellationTokenSource();
        var reader = TestMount.RunAsync(() =>
        {
            var reads = 0;
            while (!over.IsCancellationRequested && ReadWhole(mount.File("big")))
            {
                reads++;
            }

            return reads;
        });
        for (var round = 0; round < 2000; round++)
        {
            _fileSystem.Connection!.InvalidateInode(node.Id, 0, 0);
        }

        await mount.Mount.StopAsync().WaitAsync(TestMount.Limit);
        await over.CancelAsync();
        await reader;
    }

    private static bool ReadWhole(string path)
    {
        try
        {
            return File.ReadAllBytes(path).Length > 0;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static void WaitUntil(Func<bool> condition, string otherwise) =>
        Assert.True(SpinWait.SpinUntil(condition, TestMount.Limit), otherwise);

    private void DeferReads() => _fileSystem.OnRead = (in FuseRequest request, FuseReadIn _, TestNode _) =>
    {
        _deferred.Enqueue(request.Defer());
        return FuseReply.Deferred;
    };
}
