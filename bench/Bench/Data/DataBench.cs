using OrleansCache.LocalCluster;

namespace OrleansCache.Bench.Data;

/// <summary>
/// The data plane over loopback: random reads of a cached file from a real silo over TCP and over its Unix socket, with leased
/// descriptors, and of the same bytes from nginx (sendfile) and from the file itself. State H: everything is in the page cache.
/// Client and servers share the machine's cores.
/// </summary>
internal static class DataBench
{
    private const string Unit = "MiB/s", CpuUnit = "MiB per CPU second";

    internal static async Task<IReadOnlyList<BenchResult>> RunAsync(int rounds, bool quick, CancellationToken cancellationToken)
    {
        using var scratch = new ScratchFolder();
        var source = scratch.Folder("source");
        await using var silo = await LocalSilo.StartAsync(scratch.Path, cancellationToken: cancellationToken).ConfigureAwait(false);
        await using var nginx = await Nginx.StartAsync(source, scratch.Folder("nginx"), cancellationToken).ConfigureAwait(false);
        await using var variants = await DataVariants.StartAsync(
            silo, nginx, source, fileBytes: quick ? 64L << 20 : 1L << 30, TimeSpan.FromSeconds(quick ? 0.3 : 1.5), cancellationToken)
            .ConfigureAwait(false);

        var cases = new List<BenchCase>();
        var cpu = new Dictionary<BenchCase, List<double>>();
        foreach (var (size, bytes) in (ReadOnlySpan<(string, int)>)[("4 MiB", 4 << 20), ("128 KiB", 128 << 10), ("4 KiB", 4 << 10)])
        {
            foreach (var connections in (ReadOnlySpan<int>)[1, 4])
            {
                Add($"{size} x {connections}", "nginx", _ => variants.NginxAsync(bytes, connections));
                Add($"{size} x {connections}", "TCP", token => variants.BlocksAsync(overUnix: false, bytes, connections, token));
                Add($"{size} x {connections}", "Unix socket", token => variants.BlocksAsync(overUnix: true, bytes, connections, token));
                Add($"{size} x {connections}", "descriptor", token => variants.LeasedAsync(bytes, connections, token));
                Add($"{size} x {connections}", "pread", _ => variants.PreadAsync(bytes, connections));
            }
        }

        var results = await InterleavedRounds.RunAsync(cases, rounds, cancellationToken).ConfigureAwait(false);
        return
        [
            .. results,
            .. InterleavedRounds.Summarize([.. cpu.Select(one => new BenchFigures(one.Key.Workload, one.Key.Variant, "H", CpuUnit, one.Value))]),
        ];

        void Add(string workload, string variant, Func<CancellationToken, Task<double>> run)
        {
            BenchCase one = null!;
            one = new BenchCase(workload, variant, "H", Unit, async token =>
            {
                var before = variants.CpuSeconds;
                var rate = await run(token).ConfigureAwait(false);
                cpu[one].Add(rate * variants.Duration.TotalSeconds / Math.Max(0.01, variants.CpuSeconds - before));
                return rate;
            });
            cpu[one] = [];
            cases.Add(one);
        }
    }
}
