using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Fuse.Mounting;
using OrleansCache.Fuse.Session;
using OrleansCache.Fuse.Tests.Session;

namespace OrleansCache.Fuse.Tests.Mounting;

/// <summary>A test that mounts: skipped where that is impossible.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MountFactAttribute : FactAttribute
{
    public MountFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess || !File.Exists("/dev/fuse"))
        {
            Skip = "needs root and /dev/fuse";
        }
    }
}

/// <summary>Mount tests run one after the other: two cores serve them and the kernel.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class MountCollection
{
    public const string Name = "mounts";
}

/// <summary>A real mount below the temporary directory, taken down whatever the test did.</summary>
internal sealed class TestMount : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private const string Prefix = "ocache-fuse-";
    private static readonly Lazy<bool> OrphansCleared = new(ClearOrphans);

    private TestMount(FuseMount mount, string directory, TestFileSystem fileSystem) =>
        (Mount, Directory, FileSystem) = (mount, directory, fileSystem);

    public FuseMount Mount { get; }

    public string Directory { get; }

    public TestFileSystem FileSystem { get; }

    public static async Task<TestMount> StartAsync(
        TestFileSystem fileSystem, FuseSessionOptions? session = null, FuseMountOptions? options = null,
        string? directory = null, ILogger? logger = null)
    {
        directory ??= NewDirectory();
        var mount = await FuseMount.MountAsync(
            directory, fileSystem, options ?? new FuseMountOptions(),
            session ?? new FuseSessionOptions { Threads = 4 }, TimeProvider.System, logger ?? NullLogger.Instance);
        return new TestMount(mount, directory, fileSystem);
    }

    public static string NewDirectory()
    {
        _ = OrphansCleared.Value;
        var path = Path.Combine(Path.GetTempPath(), $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid():N}");
        return System.IO.Directory.CreateDirectory(path).FullName;
    }

    public string File(string name) => Path.Combine(Directory, name);

    /// <summary>Runs blocking file calls on a thread of their own, with a limit.</summary>
    public static async Task<T> RunAsync<T>(Func<T> calls) =>
        await Task.Factory.StartNew(calls, TaskCreationOptions.LongRunning).WaitAsync(Limit);

    public async ValueTask DisposeAsync()
    {
        await Mount.StopAsync().WaitAsync(Limit);
        System.IO.Directory.Delete(Directory);
    }

    /// <summary>Only mounts of ours, below our own prefix, whose process has gone.</summary>
    private static bool ClearOrphans()
    {
        var start = Path.Combine(Path.GetTempPath(), Prefix);
        foreach (var path in System.IO.Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            if (!int.TryParse(path[start.Length..].Split('-')[0], CultureInfo.InvariantCulture, out var process)
                || System.IO.Directory.Exists($"/proc/{process}"))
            {
                continue;
            }

            foreach (var _ in FuseMount.List().Where(entry => entry.Path == path))
            {
                FuseMount.Unmount(path, forced: true);
            }

            System.IO.Directory.Delete(path);
        }

        return true;
    }
}
