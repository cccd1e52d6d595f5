using System.Diagnostics;

namespace OrleansCache.LocalCluster;

/// <summary>A mount made by <c>ocache mount</c>; unmounted by <c>ocache unmount</c> when disposed.</summary>
public sealed class LocalMount : IAsyncDisposable
{
    private readonly LocalSilo _silo;

    private LocalMount(LocalSilo silo, string path)
    {
        _silo = silo;
        Path = path;
    }

    /// <summary>The mount point.</summary>
    public string Path { get; }

    /// <summary>Process id of the daemon behind it.</summary>
    /// <exception cref="InvalidOperationException">No daemon serves it.</exception>
    public int ProcessId => FindDaemon(Path)
        ?? throw new InvalidOperationException($"no process serves the mount {Path}");

    /// <summary>Mounts and returns when usable.</summary>
    public static async Task<LocalMount> StartAsync(
        LocalSilo silo, string path, IEnumerable<string>? options = null, CancellationToken cancellationToken = default)
    {
        Directory.CreateDirectory(path);
        var result = await Command.OcacheAsync(silo, ["mount", path, .. options ?? []], cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        result.Checked($"ocache mount {path}");
        return new LocalMount(silo, path);
    }

    /// <summary>SIGKILL to the daemon, as a crash.</summary>
    public async Task KillAsync()
    {
        using var daemon = Process.GetProcessById(ProcessId);
        daemon.Kill();
        await daemon.WaitForExitAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (ScratchFolder.MountsBelow(Path).Count > 0)
        {
            (await Command.OcacheAsync(_silo, ["unmount", Path]).ConfigureAwait(false)).Checked($"ocache unmount {Path}");
        }
    }

    /// <summary>The daemon of a mount point, found by its command line.</summary>
    public static int? FindDaemon(string path)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(System.IO.Path.GetFileName(process), out var id) || id == Environment.ProcessId)
            {
                continue;
            }

            try
            {
                var arguments = File.ReadAllText($"{process}/cmdline").Split('\0');
                if (arguments.Contains("mount") && arguments.Contains("--foreground") && arguments.Contains(path))
                {
                    return id;
                }
            }
            catch (IOException)
            {
                // It ended between the listing and the look.
            }
        }

        return null;
    }
}
