using System.Diagnostics;
using OrleansCache.Fakes.S3;
using OrleansCache.LocalCluster;

namespace OrleansCache.Bench.S3;

/// <summary>
/// A bucket of a million objects, a hundred thousand of them in one directory: attach, <c>ls</c>, <c>find</c>, and the same after a restart
/// of the silo and a new mount. Times, memory, and how often the store was asked. The store is our own, in this process.
/// </summary>
internal static class NamesBench
{
    private const string Bucket = "million";
    private const string SourcePath = "/million";

    internal static async Task<IReadOnlyList<BenchResult>> RunAsync(int rounds, bool quick, CancellationToken cancellationToken)
    {
        var all = new Dictionary<(string Workload, string Unit), List<double>>();
        for (var round = 0; round < rounds; round++)
        {
            await RunOnceAsync(quick ? 10_000 : 1_000_000, all, cancellationToken).ConfigureAwait(false);
        }

        return InterleavedRounds.Summarize([.. all.Select(one => new BenchFigures(one.Key.Workload, "ocache mount", "C", one.Key.Unit, one.Value))]);
    }

    private static async Task RunOnceAsync(
        int count, Dictionary<(string, string), List<double>> all, CancellationToken cancellationToken)
    {
        await using var store = await FakeS3.StartAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        store.CreateBucket(Bucket).Generate(new GeneratedObjects
        {
            Count = count,
            KeyOf = index => $"part-{index / (count / 10):D2}/object-{index:D7}.bin",
        });
        using var scratch = new ScratchFolder();
        await using var silo = await LocalSilo.StartAsync(
            scratch.Path, environment: LocalSilo.S3Environment(store.AccessKey, store.SecretKey), cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        void Add(string workload, string unit, double value)
        {
            if (!all.TryGetValue((workload, unit), out var values))
            {
                all.Add((workload, unit), values = []);
            }

            values.Add(value);
            Console.Error.WriteLine(FormattableString.Invariant($"{workload}: {value:F1} {unit}"));
        }

        async Task TimeAsync(string workload, Func<Task> work)
        {
            store.Log.Reset();
            var clock = Stopwatch.StartNew();
            await work().ConfigureAwait(false);
            Add(workload, "s", clock.Elapsed.TotalSeconds);
            Add(workload, "requests", store.Log.Total);
        }

        await TimeAsync("attach", () => silo.AttachAsync(
            $"s3://{Bucket}", SourcePath, [$"endpoint={store.Endpoint.GetLeftPart(UriPartial.Authority)}", "sync=interval(1h)"],
            cancellationToken)).ConfigureAwait(false);
        await using (var mount = await MountAsync(silo, scratch, "mount", cancellationToken).ConfigureAwait(false))
        {
            await TimeAsync("ls of a tenth", () => RunAsync("ls", ["-f", $"{mount.Path}/part-03"], (count / 10) + 2)).ConfigureAwait(false);
            await TimeAsync("find", () => RunAsync("find", [mount.Path, "-type", "f"], count)).ConfigureAwait(false);
            await TimeAsync("find again", () => RunAsync("find", [mount.Path, "-type", "f"], count)).ConfigureAwait(false);
            Add("peak memory of the silo", "MiB", ProcessMemory.PeakResidentBytes(silo.ProcessId) / 1048576.0);
            Add("peak memory of the mount", "MiB", ProcessMemory.PeakResidentBytes(mount.ProcessId) / 1048576.0);
        }

        await silo.TerminateAsync().ConfigureAwait(false);
        await TimeAsync("restart of the silo", () => silo.RestartAsync(cancellationToken: cancellationToken)).ConfigureAwait(false);
        await using (var mount = await MountAsync(silo, scratch, "again", cancellationToken).ConfigureAwait(false))
        {
            await TimeAsync("find after the restart", () => RunAsync("find", [mount.Path, "-type", "f"], count)).ConfigureAwait(false);
            Add("peak memory of the silo after the restart", "MiB", ProcessMemory.PeakResidentBytes(silo.ProcessId) / 1048576.0);
        }
    }

    private static Task<LocalMount> MountAsync(LocalSilo silo, ScratchFolder scratch, string name, CancellationToken cancellationToken) =>
        LocalMount.StartAsync(silo, scratch.Folder(name), ["--path", SourcePath], cancellationToken);

    private static async Task RunAsync(string program, string[] arguments, int lines)
    {
        var found = (await Command.RunAsync(program, arguments, TimeSpan.FromMinutes(15)).ConfigureAwait(false))
            .Checked(program).Output.Count(character => character == '\n');
        if (found != lines)
        {
            throw new InvalidDataException($"{program} found {found} of {lines} names");
        }
    }
}
