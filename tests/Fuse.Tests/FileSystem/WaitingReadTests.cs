using System.Diagnostics;
using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.FileSystem;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>Reads whose bytes have to come from elsewhere.</summary>
public sealed class WaitingReadTests
{
    private const int EIO = 5;

    /// <summary>docs/SEMANTICS.md 3.1, 5.2.</summary>
    [Fact]
    public async Task Reads_that_wait_block_nobody_else_and_are_bounded()
    {
        var view = new FakeNamespace();
        for (var index = 0; index < 100; index++)
        {
            view.AddFile($"/cold{index}", 4096);
        }

        view.AddFile("/warm", 1 << 20);
        var opener = new FakeOpener { IsResident = file => file.Path == "/warm", Gate = new TaskCompletionSource() };
        await using var mount = await TestMount.StartAsync(view, new FileSystemOptions { ReadsInFlightMax = 8 }, opener);
        var waiting = Enumerable.Range(0, 100)
            .Select(index => TestMount.OnThreadAsync(() => ReadAll(mount.At($"/cold{index}"))))
            .ToArray();
        await TestMount.EventuallyAsync(() => mount.Mount.GetStatistics() is { ReadsInFlight: 8, ReadsQueued: 92 }, "8 in flight, 92 queued");
        Assert.Equal(1 << 20, await TestMount.OnThreadAsync(() => ReadAll(mount.At("/warm"))).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(101, await TestMount.OnThreadAsync(() => Directory.GetFiles(mount.Path).Length).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.All(waiting, read => Assert.False(read.IsCompleted));
        opener.Gate.SetResult();
        Assert.All(await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromSeconds(20)), bytes => Assert.Equal(4096, bytes));
        Assert.Equal(8, opener.WaitingReadsMost);
    }

    /// <summary>docs/SEMANTICS.md 3.2.</summary>
    [Fact]
    public async Task A_reader_that_is_killed_while_it_waits_is_gone_and_its_work_cancelled()
    {
        var view = new FakeNamespace();
        view.AddFile("/cold", 1 << 20);
        var opener = new FakeOpener { IsResident = _ => false, Gate = new TaskCompletionSource() };
        await using var mount = await TestMount.StartAsync(view, opener: opener);
        using var cat = Process.Start(new ProcessStartInfo("cat", [mount.At("/cold")]) { RedirectStandardOutput = true })!;
        await TestMount.EventuallyAsync(() => opener.WaitingReads > 0, "the read to wait");
        cat.Kill();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await cat.WaitForExitAsync(timeout.Token);
        opener.Gate.SetResult();
        await TestMount.EventuallyAsync(() => mount.Mount.GetStatistics() is { ReadsInFlight: 0, OpenFiles: 0 }, "everything let go");
    }

    /// <summary>docs/SEMANTICS.md 3.2.</summary>
    [Fact]
    public async Task A_program_that_is_killed_while_a_name_is_looked_up_is_gone_and_the_lookup_cancelled()
    {
        var view = new FakeNamespace();
        view.AddFile("/f", 4096);
        await using var mount = await TestMount.StartAsync(view);
        view.Gate = new TaskCompletionSource();
        using var stat = Process.Start(new ProcessStartInfo("stat", [mount.At("/f")]) { RedirectStandardOutput = true })!;
        await TestMount.EventuallyAsync(() => view.Waiting == 1, "the lookup to wait");
        stat.Kill();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await stat.WaitForExitAsync(timeout.Token);
        await TestMount.EventuallyAsync(() => view.Waiting == 0, "the lookup to be cancelled, its gate still closed");
    }

    /// <summary>docs/SEMANTICS.md 3.2: the kernel says no INTERRUPT for such a read.</summary>
    [Fact]
    public async Task A_killed_reader_with_O_DIRECT_is_gone_and_its_work_cancelled()
    {
        var view = new FakeNamespace();
        view.AddFile("/cold", 1 << 20);
        var opener = new FakeOpener { IsResident = _ => false, Gate = new TaskCompletionSource() };
        await using var mount = await TestMount.StartAsync(view, opener: opener);
        using var reader = Process.Start(new ProcessStartInfo("dd", [$"if={mount.At("/cold")}", "of=/dev/null", "iflag=direct"])
        {
            RedirectStandardError = true,
        })!;
        await TestMount.EventuallyAsync(() => opener.WaitingReads > 0, "the read to wait");
        reader.Kill();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await reader.WaitForExitAsync(timeout.Token);
        await TestMount.EventuallyAsync(() => mount.Mount.GetStatistics() is { ReadsInFlight: 0, OpenFiles: 0 }, "everything let go");
    }

    /// <summary>
    /// docs/SEMANTICS.md 3.1: EIO at the deadline, also when the reader does not listen; never EAGAIN.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_read_ends_at_its_deadline_with_EIO(bool ignoresCancellation)
    {
        var view = new FakeNamespace();
        view.AddFile("/cold", 4096);
        var opener = new FakeOpener
        {
            IsResident = _ => false,
            Gate = new TaskCompletionSource(),
            IgnoresCancellation = ignoresCancellation,
        };
        await using var mount = await TestMount.StartAsync(view, new FileSystemOptions { Deadline = TimeSpan.FromMilliseconds(300) }, opener);
        using var file = TestLibc.Open(mount.At("/cold"));
        var clock = Stopwatch.StartNew();
        Assert.Equal(-EIO, await TestMount.OnThreadAsync(() => TestLibc.Read(file, new byte[4096], 0)).WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.True(clock.Elapsed > TimeSpan.FromMilliseconds(250), $"only {clock.Elapsed}");
        opener.Gate.SetResult();
        await TestMount.EventuallyAsync(() => mount.Mount.GetStatistics().ReadsInFlight == 0, "the work to end");
        Assert.Equal(4096, await TestMount.OnThreadAsync(() => TestLibc.Read(file, new byte[4096], 0)));
    }

    /// <summary>docs/SEMANTICS.md 3.1.</summary>
    [Fact]
    public async Task A_name_that_nobody_can_say_ends_at_the_deadline_with_EIO()
    {
        var view = new FakeNamespace { Lease = TimeSpan.Zero };
        view.AddFile("/f", 4096);
        await using var mount = await TestMount.StartAsync(view, new FileSystemOptions { Deadline = TimeSpan.FromMilliseconds(300) });
        using var directory = TestLibc.Open(mount.Path, TestLibc.Directory);
        view.Gate = new TaskCompletionSource();
        Assert.Equal(EIO, await TestMount.OnThreadAsync(() => TestLibc.OpenErrno(mount.At("/f"))).WaitAsync(TimeSpan.FromSeconds(20)));
        var listing = TestMount.OnThreadAsync(() => TestLibc.ReadDirectory(directory)).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.EndsWith($"errno {EIO}", (await Assert.ThrowsAsync<IOException>(() => listing)).Message, StringComparison.Ordinal);
        view.Gate.SetResult();
        view.Gate = null;
        Assert.Equal(0, await TestMount.OnThreadAsync(() => TestLibc.OpenErrno(mount.At("/f"))));
    }

    /// <summary>docs/SEMANTICS.md 4.4.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reader_that_brings_too_few_bytes_is_an_error_not_an_end_of_file(bool isResident)
    {
        var view = new FakeNamespace();
        view.AddFile("/f", 8192);
        using var log = new CountingLogger();
        await using var mount = await TestMount.StartAsync(
            view, opener: new FakeOpener { IsResident = _ => isResident, MissingBytes = 8 }, logger: log);
        using var file = TestLibc.Open(mount.At("/f"));
        Assert.Equal(-EIO, await TestMount.OnThreadAsync(() => TestLibc.Read(file, new byte[8192], 0)));
        Assert.True(log.Errors > 0);
    }

    /// <summary>docs/SEMANTICS.md 6.2.</summary>
    [Fact]
    public async Task A_stop_ends_reads_that_wait()
    {
        var view = new FakeNamespace();
        view.AddFile("/cold", 4096);
        var opener = new FakeOpener { IsResident = _ => false, Gate = new TaskCompletionSource() };
        await using var mount = await TestMount.StartAsync(view, opener: opener);
        var read = TestMount.OnThreadAsync(() => ReadAll(mount.At("/cold")));
        await TestMount.EventuallyAsync(() => opener.WaitingReads > 0, "the read to wait");
        await mount.Mount.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True(await read.WaitAsync(TimeSpan.FromSeconds(10)) < 0);
        Assert.Equal(0, opener.OpenReaders);
    }

    private static int ReadAll(string path)
    {
        using var file = TestLibc.Open(path);
        var buffer = new byte[1 << 20];
        var length = 0;
        while (length < buffer.Length)
        {
            var bytes = TestLibc.Read(file, buffer.AsSpan(length), length);
            if (bytes <= 0)
            {
                return bytes < 0 ? bytes : length;
            }

            length += bytes;
        }

        return length;
    }

    private sealed class CountingLogger : ILogger, IDisposable
    {
        private int _errors;

        public int Errors => Volatile.Read(ref _errors);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Error)
            {
                Interlocked.Increment(ref _errors);
            }
        }

        public void Dispose()
        {
        }
    }
}
