using OrleansCache.Bench.Fuse;
using OrleansCache.Linux;
using OrleansCache.LocalCluster;

namespace OrleansCache.Bench.Store;

/// <summary>
/// Ways to read and write cache files on this kernel and disk, beside fio: what docs/design/10-io.md chooses by. State K: the
/// file is in the page cache; B: its pages are dropped before each run; C: a new file, synced at the end.
/// </summary>
internal static class IoBench
{
    private const int Threads = 4;

    internal static async Task<IReadOnlyList<BenchResult>> RunAsync(int rounds, bool quick, CancellationToken cancellationToken)
    {
        var lengthBytes = quick ? 64L << 20 : 256L << 20;
        var duration = TimeSpan.FromSeconds(quick ? 0.2 : 1);
        using var scratch = new ScratchFolder();
        var path = Path.Combine(scratch.Path, "file");
        IoLoops.Fill(path, lengthBytes, FillKind.Buffered);
        var cases = new List<BenchCase>();
        foreach (var (workload, requestBytes) in ((string, int)[])
            [("random 4 KiB, 4 threads", 4096), ("random 128 KiB, 4 threads", 128 << 10)])
        {
            AddReads(cases, path, lengthBytes, requestBytes, duration, workload);
        }

        AddFills(cases, Path.Combine(scratch.Path, "new"), lengthBytes);
        foreach (var kind in Enum.GetValues<FillKind>())
        {
            foreach (var writers in (int[])[1, 8])
            {
                AddMixed(cases, path, scratch.Path, lengthBytes, duration, kind, writers);
            }
        }

        return await InterleavedRounds.RunAsync(cases, rounds, cancellationToken).ConfigureAwait(false);
    }

    private static void AddReads(
        List<BenchCase> cases, string path, long lengthBytes, int requestBytes, TimeSpan duration, string workload)
    {
        void Add(string variant, string state, OpenFlags flags, int readFlags) => cases.Add(new(workload, variant, state, "MiB/s", _ =>
        {
            Prepare(path, lengthBytes, state);
            return Task.FromResult(IoLoops.Read(path, lengthBytes, requestBytes, Threads, flags, readFlags, duration).MibPerSecond);
        }));
        void AddFio(string variant, string state, params string[] more) => cases.Add(new(workload, variant, state, "MiB/s", token =>
        {
            Prepare(path, lengthBytes, state);
            return Fio.RunAsync(
                path, "randread", requestBytes, token,
                [
                    Fio.Number("--size", lengthBytes), "--time_based",
                    FormattableString.Invariant($"--runtime={duration.TotalMilliseconds:F0}ms"), .. more,
                ]);
        }));

        Add("pread", "K", OpenFlags.ReadOnly, 0);
        Add("preadv2 DONTCACHE", "K", OpenFlags.ReadOnly, NativeIo.DontCache);
        Add("pread", "B", OpenFlags.ReadOnly, 0);
        Add("preadv2 DONTCACHE", "B", OpenFlags.ReadOnly, NativeIo.DontCache);
        Add("pread O_DIRECT", "B", NativeIo.Direct, 0);
        if (Fio.IsThere)
        {
            AddFio("fio psync", "K", "--ioengine=psync", "--numjobs=4");
            AddFio("fio psync", "B", "--ioengine=psync", "--numjobs=4");
            AddFio("fio psync O_DIRECT", "B", "--ioengine=psync", "--numjobs=4", "--direct=1");
            AddFio("fio io_uring", "K", "--ioengine=io_uring", "--iodepth=4");
            AddFio("fio io_uring O_DIRECT", "B", "--ioengine=io_uring", "--iodepth=4", "--direct=1");
        }
    }

    private static void AddFills(List<BenchCase> cases, string path, long lengthBytes)
    {
        const string Workload = "fill 1 MiB writes, synced at the end";
        foreach (var kind in Enum.GetValues<FillKind>())
        {
            cases.Add(new(Workload, Name(kind), "C", "MiB/s", _ => Task.FromResult(IoLoops.Fill(path, lengthBytes, kind))));
        }

        if (Fio.IsThere)
        {
            foreach (var (variant, more) in ((string, string[])[])
                [("fio psync", ["--ioengine=psync"]), ("fio io_uring O_DIRECT", ["--ioengine=io_uring", "--iodepth=4", "--direct=1"])])
            {
                cases.Add(new(Workload, variant, "C", "MiB/s", token =>
                {
                    File.Delete(path);
                    return Fio.RunAsync(
                        path, "write", 1 << 20, token,
                        [Fio.Number("--size", lengthBytes), "--end_fsync=1", "--fallocate=none", .. more]);
                }));
            }
        }
    }

    /// <summary>What readers of cold bytes get while fills run, and the fills beside them.</summary>
    private static void AddMixed(
        List<BenchCase> cases, string path, string folder, long lengthBytes, TimeSpan duration, FillKind kind, int writers)
    {
        var variant = FormattableString.Invariant($"{Name(kind)}, {writers} at once");
        Task<MixedFigures> Run() => Task.Run(() =>
        {
            Prepare(path, lengthBytes, "B");
            return IoLoops.ReadBesideFills(path, folder, lengthBytes, duration, kind, writers);
        });
        MixedFigures last = default;
        cases.Add(new(
            "cold 4 KiB reads beside fills", variant, "B", "reads/s",
            async _ => (last = await Run().ConfigureAwait(false)).ReadsPerSecond));
        cases.Add(new("the slowest 1 % of them begin at", variant, "B", "ms", _ => Task.FromResult(last.SlowestMs)));
        cases.Add(new("fills beside cold 4 KiB reads", variant, "B", "MiB/s", _ => Task.FromResult(last.FillMibPerSecond)));
    }

    private static string Name(FillKind kind) => kind switch
    {
        FillKind.Buffered => "pwrite",
        FillKind.EarlyWriteback => "pwrite, sync_file_range",
        FillKind.BoundedWriteback => "pwrite, sync_file_range, 8 MiB behind",
        FillKind.DontCache => "pwritev2 DONTCACHE",
        _ => "pwrite O_DIRECT",
    };

    private static void Prepare(string path, long lengthBytes, string state)
    {
        if (state == "B")
        {
            SequentialRead.DropPagesOf(path);
        }
        else
        {
            IoLoops.ReadOnce(path, lengthBytes);
        }
    }
}
