using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Fuse.FileSystem;
using OrleansCache.Fuse.Mounting;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>A fake namespace behind a real kernel mount in a directory of its own.</summary>
internal sealed class TestMount : IAsyncDisposable
{
    private const string Prefix = "ocache-filesystem-test-";

    private readonly DirectoryInfo _directory;

    static TestMount() => RemoveOrphans();

    private TestMount(OcacheMount mount, FakeNamespace view, FakeOpener opener, DirectoryInfo directory) =>
        (Mount, View, Opener, _directory) = (mount, view, opener, directory);

    public OcacheMount Mount { get; }

    public FakeNamespace View { get; }

    public FakeOpener Opener { get; }

    public string Path => Mount.MountPoint;

    public static async Task<TestMount> StartAsync(
        FakeNamespace view, FileSystemOptions? options = null, FakeOpener? opener = null, string subtree = "/", ILogger? logger = null)
    {
        opener ??= new FakeOpener();
        var directory = Directory.CreateTempSubdirectory($"{Prefix}{Environment.ProcessId}-");
        try
        {
            var mount = await OcacheMount.StartAsync(
                new OcacheMountOptions { MountPoint = directory.FullName, Path = subtree, FileSystem = options ?? new() },
                view, opener, TimeProvider.System, logger ?? NullLogger.Instance, CancellationToken.None);
            return new TestMount(mount, view, opener, directory);
        }
        catch
        {
            directory.Delete();
            throw;
        }
    }

    public string At(string path) => Path + path;

    public async ValueTask DisposeAsync()
    {
        await Mount.DisposeAsync();
        _directory.Delete();
        Assert.Equal(0, Opener.OpenReaders);
    }

    /// <summary>
    /// Runs on a thread of its own: a system call that waits for the mount must not hold a pool thread.
    /// </summary>
    public static Task<T> OnThreadAsync<T>(Func<T> work) => Task.Factory.StartNew(
        work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Waits for what must come; says what did not.</summary>
    public static async Task EventuallyAsync(Func<bool> condition, string what, int seconds = 20)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(seconds), $"within {seconds} s: {what}");
            await Task.Delay(5);
        }
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string program, string[] arguments, int seconds = 60)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
        var errors = process.StandardError.ReadToEndAsync(timeout.Token);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
            return (process.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"{program} {string.Join(' ', arguments.Take(3))} did not end within {seconds} s");
        }
    }

    /// <summary>Mounts of test runs that were killed.</summary>
    private static void RemoveOrphans()
    {
        foreach (var mount in FuseMount.List())
        {
            var name = System.IO.Path.GetFileName(mount.Path);
            if (name.StartsWith(Prefix, StringComparison.Ordinal)
                && int.TryParse(name[Prefix.Length..].Split('-')[0], out var processId)
                && !Directory.Exists($"/proc/{processId}"))
            {
                FuseMount.Unmount(mount.Path, forced: true);
                Directory.Delete(mount.Path);
            }
        }
    }
}
