using System.Globalization;
using OrleansCache.LocalCluster;

namespace OrleansCache.Demo;

/// <summary>
/// The demo: native pass, attach and mount, cold pass, warm pass; every pass reads and hashes every file with the same
/// readers, and every hash of the mount is compared with the source's.
/// </summary>
/// <param name="dataset">The data as they are on this machine's disk.</param>
/// <param name="open">Makes what is attached.</param>
/// <param name="readers">Reading threads.</param>
/// <param name="progress">Where it tells how far it is.</param>
internal sealed class Demonstration(
    Dataset dataset, Func<CancellationToken, Task<DemoSource>> open, int readers, IDemoProgress progress)
{
    private const string SourcePath = "/data";

    /// <summary>Runs it. Everything it started is ended and removed, however it ends.</summary>
    public async Task<DemoResult> RunAsync(CancellationToken cancellationToken)
    {
        using var scratch = new ScratchFolder();
        var dropped = PageCache.TryDrop();
        var native = Read("native", dataset.Root, cancellationToken);

        await using var source = await open(cancellationToken).ConfigureAwait(false);
        progress.Say("starting a silo");
        var capacity = string.Create(CultureInfo.InvariantCulture, $"{(dataset.Bytes >> 20) + 1024}MiB");
        await using var silo = await LocalSilo.StartAsync(scratch.Path, capacity, source.Environment, cancellationToken)
            .ConfigureAwait(false);
        await source.AttachAsync(silo, SourcePath, cancellationToken).ConfigureAwait(false);
        await using var mount = await LocalMount.StartAsync(
            silo, scratch.Folder("mount"), ["--path", SourcePath], cancellationToken).ConfigureAwait(false);

        PageCache.TryDrop();
        await source.CountAsync(cancellationToken).ConfigureAwait(false);
        var cold = Read("cold, through the mount", mount.Path, cancellationToken);
        var coldCount = await source.CountAsync(cancellationToken).ConfigureAwait(false);
        var before = await SourceCounters.ReadAsync(silo, SourcePath, cancellationToken).ConfigureAwait(false);
        PageCache.TryDrop();
        var warm = Read("warm, through the mount", mount.Path, cancellationToken);
        var after = await SettledCountersAsync(silo, cancellationToken).ConfigureAwait(false);
        var warmCount = await source.CountAsync(cancellationToken).ConfigureAwait(false);
        return Summarize(native, cold, warm, after.Since(before), dropped) with
        {
            ColdStoreRequests = coldCount?.Requests,
            ColdStoreReads = coldCount?.Reads,
            ColdStoreBytes = coldCount?.Bytes,
            ColdStoreHeads = coldCount?.Heads,
            ColdStoreLists = coldCount?.Lists,
            WarmStoreRequests = warmCount?.Requests,
        };
    }

    /// <summary>A silo and a mount that stay until cancelled.</summary>
    public async Task StayAsync(CancellationToken cancellationToken)
    {
        using var scratch = new ScratchFolder();
        await using var source = await open(cancellationToken).ConfigureAwait(false);
        await using var silo = await LocalSilo.StartAsync(
            scratch.Path, environment: source.Environment, cancellationToken: cancellationToken).ConfigureAwait(false);
        await source.AttachAsync(silo, SourcePath, cancellationToken).ConfigureAwait(false);
        await using var mount = await LocalMount.StartAsync(silo, scratch.Folder("mount"), cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        progress.Say($"{source.Name} is at {mount.Path}{SourcePath}; clients: --cluster {silo.Cluster}; "
            + $"http://127.0.0.1:{silo.HttpPort}/metrics. Ctrl-C ends.");
        var stopped = new TaskCompletionSource();
        using var registration = cancellationToken.Register(stopped.SetResult);
        await stopped.Task.ConfigureAwait(false);
    }

    private Pass Read(string name, string root, CancellationToken cancellationToken)
    {
        using var bar = progress.Start(name, dataset.Bytes);
        return Reading.Run(dataset, root, readers, bar.Report, cancellationToken);
    }

    /// <summary>The mount reports its own reads once a second: wait until two looks agree.</summary>
    private static async Task<SourceCounters> SettledCountersAsync(LocalSilo silo, CancellationToken cancellationToken)
    {
        const int Looks = 10;
        var last = await SourceCounters.ReadAsync(silo, SourcePath, cancellationToken).ConfigureAwait(false);
        for (var look = 0; look < Looks; look++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1.5), TimeProvider.System, cancellationToken).ConfigureAwait(false);
            var now = await SourceCounters.ReadAsync(silo, SourcePath, cancellationToken).ConfigureAwait(false);
            if (now == last)
            {
                return now;
            }

            last = now;
        }

        return last;
    }

    private DemoResult Summarize(Pass native, Pass cold, Pass warm, SourceCounters counted, bool dropped) => new()
    {
        Files = dataset.Files.Count,
        Bytes = native.Bytes,
        ColdMiBPerSecond = Math.Round(cold.MiBPerSecond, 1),
        WarmMiBPerSecond = Math.Round(warm.MiBPerSecond, 1),
        NativeMiBPerSecond = Math.Round(native.MiBPerSecond, 1),
        WarmHitRatio = counted.Hits + counted.Misses == 0
            ? 0
            : Math.Round((double)counted.Hits / (counted.Hits + counted.Misses), 4),
        WarmUnderStorageReads = counted.UnderStorageReads,
        Mismatches = Mismatches(native, cold) + Mismatches(native, warm),
        CachesDropped = dropped,
    };

    private int Mismatches(Pass native, Pass other)
    {
        var wrong = dataset.Files.Where(file =>
            native.Hashes[file].StartsWith("unreadable", StringComparison.Ordinal) || native.Hashes[file] != other.Hashes[file]).ToList();
        foreach (var file in wrong.Take(5))
        {
            progress.Say($"{file}: source {native.Hashes[file]}, mount {other.Hashes[file]}");
        }

        return wrong.Count;
    }
}
