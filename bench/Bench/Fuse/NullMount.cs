using System.Diagnostics;
using System.Globalization;
using OrleansCache.LocalCluster;

namespace OrleansCache.Bench.Fuse;

/// <summary>The running null FUSE server: one file, answered from memory.</summary>
internal sealed class NullMount : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _path;

    private NullMount(Process process, string path) => (_process, _path) = (process, path);

    /// <summary>Its file.</summary>
    internal string File => Directory.EnumerateFiles(_path).First();

    internal static async Task<NullMount> StartAsync(string path, long lengthBytes, CancellationToken cancellationToken)
    {
        // It prints a line at the start and its counters at the end: far less than a pipe holds.
        var start = new ProcessStartInfo(
            Programs.NullFuse, [path, "--size", lengthBytes.ToString(CultureInfo.InvariantCulture), "--count", "1", "--keep-cache"])
        {
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start)!;
        var mount = new NullMount(process, path);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(20));
        while (ScratchFolder.MountsBelow(path).Count == 0)
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"the null FUSE server ended with {process.ExitCode}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, deadline.Token).ConfigureAwait(false);
        }

        return mount;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Signal.Terminate(_process.Id);
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync().ConfigureAwait(false);
        _process.Dispose();
    }
}
