using System.Diagnostics;
using System.Net;
using OrleansCache.Bench.Fuse;
using OrleansCache.Fakes.Network;
using OrleansCache.Fakes.S3;
using OrleansCache.LocalCluster;

namespace OrleansCache.Bench.S3;

/// <summary>
/// Cold reads (state C) of a real Ceph gateway that is 20 ms and 150 MiB/s away: through the mount of a new silo each round, and by
/// parallel ranged GETs of the same SDK. CPU time is that of all processes on our side: silo, mount and reader; or the SDK's.
/// </summary>
internal static class S3Bench
{
    private const string SourcePath = "/bench";
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(20);
    private const long LinkBytesPerSecond = 150L << 20;

    internal static async Task<IReadOnlyList<BenchResult>> RunAsync(int rounds, bool quick, CancellationToken cancellationToken)
    {
        var bytes = quick ? 64L << 20 : 1L << 30;
        await using var store = await CephStore.StartAsync(bytes, cancellationToken).ConfigureAwait(false);
        await using var link = DelayProxy.Start(new DelayProxyOptions
        {
            Target = new IPEndPoint(IPAddress.Loopback, store.Endpoint.Port),
            RoundTrip = RoundTrip,
            DownBytesPerSecond = LinkBytesPerSecond,
        });
        var endpoint = link.Through(store.Endpoint);
        var keys = LocalSilo.S3Environment(store.AccessKey, store.SecretKey);
        var (sdk, mount, firstBytes, sdkFirstBytes) = (new List<ChildRun>(), new List<ChildRun>(), new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var isMount in round % 2 == 0 ? (bool[])[false, true] : [true, false])
            {
                if (isMount)
                {
                    mount.Add(await ReadThroughMountAsync(endpoint, keys, bytes, firstBytes, cancellationToken).ConfigureAwait(false));
                }
                else
                {
                    sdk.Add(await ChildRun.StartAsync(
                        ["sdk-get", endpoint.ToString(), CephStore.Bucket, CephStore.WarmUpKey, CephStore.BigKey], keys, cancellationToken)
                        .ConfigureAwait(false));
                    sdkFirstBytes.AddRange(await FirstBytesBySdkAsync(store, endpoint, cancellationToken).ConfigureAwait(false));
                }
            }

            Console.Error.WriteLine(FormattableString.Invariant(
                $"round {round + 1}/{rounds}  SDK {sdk[^1]}, mount {mount[^1]}, first byte {firstBytes[^1]:F0} ms, SDK {sdkFirstBytes[^1]:F0} ms"));
        }

        var gib = bytes / (double)(1L << 30);
        return InterleavedRounds.Summarize([
            new("sequential 1 MiB, 20 ms, 150 MiB/s", "ocache mount", "C", "MiB/s", [.. mount.Select(run => run.MibPerSecond)]),
            new("sequential 1 MiB, 20 ms, 150 MiB/s", "SDK, 16 ranges", "C", "MiB/s", [.. sdk.Select(run => run.MibPerSecond)]),
            new("CPU time", "ocache mount", "C", "s/GiB", [.. mount.Select(run => run.CpuSeconds / gib)]),
            new("CPU time", "SDK, 16 ranges", "C", "s/GiB", [.. sdk.Select(run => run.CpuSeconds / gib)]),
            new("first byte of a cold file, 20 ms", "ocache mount", "C", "ms", firstBytes),
            new("first byte of a cold file, 20 ms", "SDK: HEAD, GET", "C", "ms", sdkFirstBytes),
        ]);
    }

    /// <summary>The role of the child.</summary>
    internal static Task<int> ReadFileAsync(string path) => ChildRun.MeasureAsync(() =>
    {
        SequentialRead.Run(path, 1 << 20);
        return Task.FromResult(new FileInfo(path).Length);
    });

    private static async Task<ChildRun> ReadThroughMountAsync(
        Uri endpoint, IReadOnlyDictionary<string, string> keys, long bytes, List<double> firstBytes, CancellationToken cancellationToken)
    {
        using var scratch = new ScratchFolder();
        await using var silo = await LocalSilo.StartAsync(scratch.Path, environment: keys, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        await silo.AttachAsync(
            $"s3://{CephStore.Bucket}", SourcePath, [$"endpoint={endpoint.GetLeftPart(UriPartial.Authority)}"], cancellationToken)
            .ConfigureAwait(false);
        await using var mount = await LocalMount.StartAsync(silo, scratch.Folder("mount"), ["--path", SourcePath], cancellationToken)
            .ConfigureAwait(false);

        // The same is compiled before the SDK is measured.
        SequentialRead.Run(Path.Combine(mount.Path, CephStore.WarmUpKey), 1 << 20);
        _ = Directory.GetFiles(Path.Combine(mount.Path, "small"));
        for (var index = 0; index < CephStore.SmallObjects; index += 4)
        {
            var clock = Stopwatch.StartNew();
            using var file = File.OpenHandle(Path.Combine(mount.Path, CephStore.SmallKey(index)));
            if (RandomAccess.Read(file, new byte[1], 0) != 1)
            {
                throw new InvalidDataException("no first byte");
            }

            firstBytes.Add(clock.Elapsed.TotalMilliseconds);
        }

        var before = ProcessCpu.Seconds(silo.ProcessId) + ProcessCpu.Seconds(mount.ProcessId);
        var run = await ChildRun.StartAsync(
            ["read-file", Path.Combine(mount.Path, CephStore.BigKey)], new Dictionary<string, string>(), cancellationToken).ConfigureAwait(false);
        var after = ProcessCpu.Seconds(silo.ProcessId) + ProcessCpu.Seconds(mount.ProcessId);
        return run with { CpuSeconds = run.CpuSeconds + after - before };
    }

    private static async Task<IReadOnlyList<double>> FirstBytesBySdkAsync(
        CephStore store, Uri endpoint, CancellationToken cancellationToken)
    {
        using var client = SdkClient.Connect(endpoint, store.AccessKey, store.SecretKey);
        var times = new List<double>();
        for (var index = 0; index <= CephStore.SmallObjects; index += 4)
        {
            var key = CephStore.SmallKey(index % CephStore.SmallObjects);
            var clock = Stopwatch.StartNew();
            await client.GetObjectMetadataAsync(CephStore.Bucket, key, cancellationToken).ConfigureAwait(false);
            using var answer = await client.GetObjectAsync(CephStore.Bucket, key, cancellationToken).ConfigureAwait(false);
            _ = await answer.ResponseStream.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false);
            times.Add(clock.Elapsed.TotalMilliseconds);
            await answer.ResponseStream.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
        }

        return times[1..]; // The first one connects.
    }
}
