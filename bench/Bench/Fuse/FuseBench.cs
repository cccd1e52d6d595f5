using OrleansCache.LocalCluster;

namespace OrleansCache.Bench.Fuse;

/// <summary>
/// Sequential reads through the whole product (silo, mount), through the null FUSE server (the same session answering from
/// memory) and of the native file, in states K (the mount's pages hot), H (its pages dropped, the backing file hot) and
/// B (all kernel caches dropped: the disk decides, and the null server has none).
/// </summary>
internal static class FuseBench
{
    private const int RequestBytes = 1 << 20;

    internal static async Task<IReadOnlyList<BenchResult>> RunAsync(int rounds, bool quick, CancellationToken cancellationToken)
    {
        if (!PageCache.TryDrop())
        {
            throw new InvalidOperationException("dropping the kernel's caches needs root");
        }

        using var scratch = new ScratchFolder();
        var lengthBytes = quick ? 64L << 20 : 1L << 30;
        var native = Path.Combine(scratch.Folder("source"), "file");
        WriteFile(native, lengthBytes);
        await using var silo = await LocalSilo.StartAsync(scratch.Path, cancellationToken: cancellationToken).ConfigureAwait(false);
        await silo.AttachAsync(scratch.Folder("source"), "/data", cancellationToken: cancellationToken).ConfigureAwait(false);
        (await Command.OcacheAsync(silo, ["load", "/data", "--wait"], TimeSpan.FromMinutes(5), cancellationToken).ConfigureAwait(false))
            .Checked("ocache load");
        await using var mount = await LocalMount.StartAsync(silo, scratch.Folder("mount"), ["--path", "/data"], cancellationToken)
            .ConfigureAwait(false);
        await using var nullMount = await NullMount.StartAsync(scratch.Folder("null"), lengthBytes, cancellationToken).ConfigureAwait(false);

        (string Name, string Path)[] variants =
            [("native", native), ("null FUSE", nullMount.File), ("ocache mount", Path.Combine(mount.Path, "file"))];
        var cases = new List<BenchCase>();
        foreach (var (name, path) in variants)
        {
            cases.Add(new("sequential 1 MiB", name, "K", "MiB/s", _ => Measure(path, () => SequentialRead.Run(path, RequestBytes))));
            cases.Add(new("sequential 1 MiB", name, "H", "MiB/s", _ => Measure(path, () => Warm(path, native))));
            cases.Add(new("sequential 1 MiB", name, "B", "MiB/s", _ => Measure(path, () => PageCache.TryDrop())));
        }

        return await InterleavedRounds.RunAsync(cases, rounds, cancellationToken).ConfigureAwait(false);
    }

    private static Task<double> Measure(string path, Action prepare)
    {
        prepare();
        return Task.FromResult(SequentialRead.Run(path, RequestBytes));
    }

    private static void Warm(string path, string native)
    {
        SequentialRead.Run(path, RequestBytes);
        if (path != native)
        {
            SequentialRead.DropPagesOf(path);
        }
    }

    private static void WriteFile(string path, long lengthBytes)
    {
        var random = new Random(1);
        var buffer = new byte[RequestBytes];
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        for (long offset = 0; offset < lengthBytes; offset += buffer.Length)
        {
            random.NextBytes(buffer);
            RandomAccess.Write(file, buffer, offset);
        }

        RandomAccess.FlushToDisk(file);
    }
}
