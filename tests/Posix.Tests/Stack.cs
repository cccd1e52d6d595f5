using System.Text.Json;
using OrleansCache.LocalCluster;

namespace OrleansCache.Posix.Tests;

/// <summary>A source folder, a silo, and a mount of the source: what a user has after the three commands of the README.</summary>
internal sealed class Stack : IAsyncDisposable
{
    internal const string SourcePath = "/data";
    private readonly ScratchFolder _scratch;
    private LocalMount? _mount;

    private Stack(ScratchFolder scratch, LocalSilo silo, string source)
    {
        _scratch = scratch;
        Silo = silo;
        Source = source;
        MountFolder = scratch.Folder("mount");
    }

    /// <summary>The silo.</summary>
    internal LocalSilo Silo { get; }

    /// <summary>The source's folder.</summary>
    internal string Source { get; }

    /// <summary>The mount point.</summary>
    internal string MountFolder { get; }

    /// <summary>The running mount.</summary>
    internal LocalMount Mount => _mount ?? throw new InvalidOperationException("not mounted");

    /// <summary>A folder of this test's own.</summary>
    internal string Folder(string name) => _scratch.Folder(name);

    /// <summary>Makes the source with <paramref name="fill"/>, starts the silo, attaches and mounts.</summary>
    internal static async Task<Stack> StartAsync(
        Action<string> fill, string[]? attachOptions = null, string capacity = "4GiB",
        IReadOnlyDictionary<string, string>? environment = null)
    {
        var scratch = new ScratchFolder();
        try
        {
            var source = scratch.Folder("source");
            fill(source);
            var silo = await LocalSilo.StartAsync(scratch.Path, capacity, environment).ConfigureAwait(false);
            var stack = new Stack(scratch, silo, source);
            await silo.AttachAsync(source, SourcePath, attachOptions).ConfigureAwait(false);
            await stack.MountAsync().ConfigureAwait(false);
            return stack;
        }
        catch
        {
            scratch.Dispose();
            throw;
        }
    }

    /// <summary>Mounts (again).</summary>
    internal async Task MountAsync() =>
        _mount = await LocalMount.StartAsync(Silo, MountFolder, ["--path", SourcePath]).ConfigureAwait(false);

    /// <summary>Runs <c>ocache</c>.</summary>
    internal Task<CommandResult> OcacheAsync(params string[] arguments) => Command.OcacheAsync(Silo, arguments);

    /// <summary>Path of a file through the mount.</summary>
    internal string Mounted(string name) => Path.Combine(MountFolder, name);

    /// <summary>A counter of the source in <c>ocache status --json</c>.</summary>
    internal async Task<long> CounterAsync(string name)
    {
        var answer = (await OcacheAsync("status", "--json").ConfigureAwait(false)).Checked("ocache status");
        using var status = JsonDocument.Parse(answer.Output);
        return status.RootElement.GetProperty("sources").EnumerateArray()
            .Single(source => source.GetProperty("path").GetString() == SourcePath).GetProperty(name).GetInt64();
    }

    /// <summary>Sum of the samples of a metric on the silo's <c>/metrics</c>; labels are summed over.</summary>
    internal async Task<double> MetricAsync(string name, params string[] without)
    {
        var text = await Silo.GetAsync("/metrics").ConfigureAwait(false);
        var samples = text.Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal)
            && line.Length > name.Length && line[name.Length] is ' ' or '{'
            && !without.Any(label => line.Contains(label, StringComparison.Ordinal))).ToList();
        Assert.True(samples.Count > 0, $"no metric {name} in:\n{text}");
        return samples.Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_mount is not null)
            {
                await _mount.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            await Silo.DisposeAsync().ConfigureAwait(false);
            _scratch.Dispose();
        }
    }
}
