using System.Collections.Concurrent;
using System.Diagnostics;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Fuse.Tests.Session;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Tests.Mounting;

/// <summary>Replies taken away and given later, interrupted, or never right.</summary>
[Collection(MountCollection.Name)]
public sealed class DeferringTests
{
    private readonly ConcurrentQueue<(FuseReplyToken Token, FuseReadIn Arguments, TestNode Node)> _deferred = new();
    private readonly TestFileSystem _fileSystem = new() { FileFlags = FuseOpenFlags.DirectIo | FuseOpenFlags.NoFlush };

    [MountFact]
    public async Task Reads_answered_later_from_other_threads_are_right()
    {
        var content = new byte[5_000_000];
        new Random(5).NextBytes(content);
        _fileSystem.AddFile("file", content);
        _fileSystem.OnRead = (in FuseRequest request, FuseReadIn arguments, TestNode node) =>
        {
            var token = request.Defer();
            ThreadPool.UnsafeQueueUserWorkItem(
                _ =>
                {
                    var slice = TestFileSystem.Slice(node, in arguments);
                    token.ReplyData(slice[..(slice.Length / 3)], slice[(slice.Length / 3)..]);
                },
                null);
            return FuseReply.Deferred;
        };
        await using var mount = await TestMount.StartAsync(_fileSystem);
        var readers = Enumerable.Range(0, 4)
            .Select(_ => TestMount.RunAsync(() => File.ReadAllBytes(mount.File("file"))));
        Assert.All(await Task.WhenAll(readers), read => Assert.True(content.AsSpan().SequenceEqual(read)));
        Assert.Equal(0, mount.Mount.Session.PendingCount);
    }

    [MountFact]
    public async Task A_miss_never_holds_a_session_thread()
    {
        const int Readers = 12;
        DeferAll();
        for (var index = 0; index < Readers; index++)
        {
            _fileSystem.AddFile($"file{index}", "slow"u8.ToArray());
        }

        _fileSystem.AddFile("other", []);
        await using var mount = await TestMount.StartAsync(_fileSystem, new FuseSessionOptions { Threads = 2 });
        var readers = Enumerable.Range(0, Readers)
            .Select(index => TestMount.RunAsync(() => File.ReadAllText(mount.File($"file{index}")))).ToArray();
        WaitUntil(() => _deferred.Count == Readers, "not all reads were deferred");
        Assert.True(await TestMount.RunAsync(() => File.Exists(mount.File("other"))));
        AnswerAll();
        Assert.All(await Task.WhenAll(readers), text => Assert.Equal("slow", text));
    }

    [MountFact]
    public async Task A_killed_reader_ends_and_its_work_is_cancelled()
    {
        DeferAll();
        _fileSystem.AddFile("file", [1, 2, 3]);
        await using var mount = await TestMount.StartAsync(_fileSystem);
        using var reader = Process.Start("cat", [mount.File("file")]);
        WaitUntil(() => !_deferred.IsEmpty, "cat did not read");
        Assert.True(_deferred.TryDequeue(out var read));
        var cancelled = new TaskCompletionSource();
        using var registration = read.Token.Cancellation.Register(cancelled.SetResult);
        reader.Kill();
        await reader.WaitForExitAsync().WaitAsync(TestMount.Limit);
        await cancelled.Task.WaitAsync(TestMount.Limit);
        Assert.False(read.Token.ReplyData([1, 2, 3]), "the answer was taken after EINTR");
        Assert.Equal(0, mount.Mount.Session.PendingCount);
    }

    [MountFact]
    public async Task A_program_whose_timer_signals_every_millisecond_never_sees_EINTR()
    {
        DeferAll();
        _fileSystem.AddFile("file", [1, 2, 3]);
        await using var mount = await TestMount.StartAsync(_fileSystem);
        using var program = StartTimerProgram(mount.File("file"));
        for (var reads = 0; reads < 20; reads++)
        {
            WaitUntil(() => !_deferred.IsEmpty || program.HasExited, "no read came");
            Assert.True(_deferred.TryDequeue(out var read), "the program ended early");

            // The signal that interrupts this read is on its way; the answer comes after it.
            var expected = reads + 1;
            WaitUntil(
                () => mount.Mount.Session.GetStatistics().Requests(FuseOpcode.Interrupt) >= expected, "no INTERRUPT came");
            Assert.True(read.Token.ReplyData(TestFileSystem.Slice(read.Node, in read.Arguments)), "the answer came too late");
        }

        await program.WaitForExitAsync().WaitAsync(TestMount.Limit);
        Assert.Equal("right\n", await program.StandardOutput.ReadToEndAsync());
    }

    [MountFact]
    public async Task A_program_with_a_timer_is_killed_at_once_all_the_same()
    {
        DeferAll();
        _fileSystem.AddFile("file", [1, 2, 3]);
        await using var mount = await TestMount.StartAsync(_fileSystem);
        using var program = StartTimerProgram(mount.File("file"));

        // The kernel says one INTERRUPT for a request, and the timer has had it: the kill has to be noticed without.
        WaitUntil(
            () => mount.Mount.Session.GetStatistics().Requests(FuseOpcode.Interrupt) > 0, "no INTERRUPT came");
        Assert.True(_deferred.TryDequeue(out var read) && read.Token.IsPending);
        program.Kill();
        await program.WaitForExitAsync().WaitAsync(TestMount.Limit);
        Assert.False(read.Token.ReplyData([1, 2, 3]), "the answer was taken after EINTR");
    }

    [MountFact]
    public async Task A_kill_before_the_deferral_ends_the_read_too()
    {
        using var reached = new SemaphoreSlim(0);
        using var goOn = new SemaphoreSlim(0);
        _fileSystem.AddFile("file", [1, 2, 3]);
        _fileSystem.OnRead = (in FuseRequest request, FuseReadIn arguments, TestNode node) =>
        {
            reached.Release();
            goOn.Wait(TestMount.Limit);
            _deferred.Enqueue((request.Defer(), arguments, node));
            return FuseReply.Deferred;
        };
        await using var mount = await TestMount.StartAsync(_fileSystem);
        using var reader = Process.Start("cat", [mount.File("file")]);
        Assert.True(await reached.WaitAsync(TestMount.Limit));
        reader.Kill();
        WaitUntil(
            () => mount.Mount.Session.GetStatistics().Requests(FuseOpcode.Interrupt) > 0, "no INTERRUPT came");
        goOn.Release();
        await reader.WaitForExitAsync().WaitAsync(TestMount.Limit);
        WaitUntil(() => !_deferred.IsEmpty, "the read was not deferred"); // EINTR is out before Defer returns.
        Assert.True(_deferred.TryDequeue(out var late) && !late.Token.IsPending);
    }

    [MountFact]
    public async Task An_open_answered_too_late_says_so_and_brings_no_release()
    {
        var opens = new ConcurrentQueue<FuseReplyToken>();
        _fileSystem.AddFile("file", [1]);
        _fileSystem.OnOpen = (in FuseRequest request) =>
        {
            opens.Enqueue(request.Defer());
            return FuseReply.Deferred;
        };
        await using var mount = await TestMount.StartAsync(_fileSystem);
        using var reader = Process.Start("cat", [mount.File("file")]);
        WaitUntil(() => !opens.IsEmpty, "cat did not open");
        reader.Kill();
        await reader.WaitForExitAsync().WaitAsync(TestMount.Limit);
        Assert.True(opens.TryDequeue(out var open));
        Assert.False(open.ReplyOpened(default));
        Assert.Equal(0, Volatile.Read(ref _fileSystem.Releases));
    }

    [MountFact]
    public async Task Garbage_from_a_file_system_becomes_EIO_and_nobody_hangs()
    {
        _fileSystem.AddFile("file", new byte[5000]);
        await using var mount = await TestMount.StartAsync(_fileSystem);
        var ways = new ReadHandler[]
        {
            (in FuseRequest request, FuseReadIn arguments, TestNode _) => request.Filled((int)arguments.SizeBytes + 1),
            (in FuseRequest request, FuseReadIn _, TestNode _) => default,
            (in FuseRequest request, FuseReadIn _, TestNode _) => FuseReply.Deferred,
            (in FuseRequest request, FuseReadIn _, TestNode _) => throw new InvalidOperationException("on purpose"),
            (in FuseRequest request, FuseReadIn _, TestNode _) =>
            {
                request.Defer();
                throw new InvalidOperationException("on purpose, after deferring");
            },
            (in FuseRequest request, FuseReadIn arguments, TestNode _) =>
            {
                request.Defer().ReplyData(new byte[arguments.SizeBytes + 1]);
                return FuseReply.Deferred;
            },
            (in FuseRequest request, FuseReadIn _, TestNode _) => FuseReply.Error((Errno)100_000),
        };
        foreach (var way in ways)
        {
            _fileSystem.OnRead = way;
            var result = await TestMount.RunAsync(() =>
            {
                using var file = RawCalls.Open(mount.File("file"));
                return RawCalls.ReadAt(file, new byte[100], 0);
            });
            Assert.Equal(-(int)Errno.InputOutput, result);
        }

        _fileSystem.OnOpen = (in FuseRequest request) => request.Data("not what an open is answered with"u8);
        Assert.Equal(Errno.InputOutput, await TestMount.RunAsync(
            () => RawCalls.OpenError(mount.File("file"), OpenFlags.ReadOnly)));
    }

    /// <summary>Reads three bytes twenty times with raw read(2), a signal with a handler every millisecond.</summary>
    private static Process StartTimerProgram(string file)
    {
        const string Program = """
            my $calls = 0;
            $SIG{ALRM} = sub { $calls++ };
            open(my $file, '<:raw', $ARGV[0]) or die "open: $!";
            require Time::HiRes;
            Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0.001, 0.001);
            for (1 .. 20) {
                sysseek($file, 0, 0);
                my $bytes = sysread($file, my $data, 3);
                if (!defined $bytes) { print "failed: $!\n"; exit 1 }
                if ($data ne "\x01\x02\x03") { print "wrong\n"; exit 1 }
            }
            print "right\n";
            """;
        return Process.Start(new ProcessStartInfo("perl", ["-e", Program, file]) { RedirectStandardOutput = true })!;
    }

    private static void WaitUntil(Func<bool> condition, string otherwise) =>
        Assert.True(SpinWait.SpinUntil(condition, TestMount.Limit), otherwise);

    private void DeferAll() => _fileSystem.OnRead = (in FuseRequest request, FuseReadIn arguments, TestNode node) =>
    {
        _deferred.Enqueue((request.Defer(), arguments, node));
        return FuseReply.Deferred;
    };

    private void AnswerAll()
    {
        // The kernel reads on to the end of the file: answer until nobody asks any more.
        _fileSystem.OnRead = null;
        while (_deferred.TryDequeue(out var read))
        {
            Assert.True(read.Token.ReplyData(TestFileSystem.Slice(read.Node, in read.Arguments)));
        }
    }
}
