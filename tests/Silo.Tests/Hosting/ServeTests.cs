using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Namespaces;
using OrleansCache.Silo.Tests.Fakes;

namespace OrleansCache.Silo.Tests.Hosting;

/// <summary>The program as its users see it: real processes.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ocache-serve-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task It_serves_withstands_garbage_and_ends_on_sigterm_in_time()
    {
        using var silo = await RunningSilo.StartAsync(_folder);
        using var http = new HttpClient { Timeout = RunningSilo.Patience };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(silo.Page("/readyz"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(silo.Page("/healthz"))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(silo.Page("/etc/passwd"))).StatusCode);
        foreach (var name in (string[])["gateway", "data", "http"])
        {
            // The bundled engine has one silo and does not listen on the port among silos.
            for (var seed = 0; seed < 5; seed++)
            {
                SendGarbage(silo.Port(name), seed);
            }
        }

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(silo.Page("/readyz"))).StatusCode);
        var metrics = await http.GetStringAsync(silo.Page("/metrics"));
        Assert.All(
            metrics.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#'),
            line => Assert.StartsWith("ocache_", line, StringComparison.Ordinal));
        Assert.Contains("ocache_dataplane_malformed_frames_total", metrics, StringComparison.Ordinal);
        Assert.Contains("operation=\"commit\",le=\"+Inf\"} ", metrics, StringComparison.Ordinal);
        Assert.Contains($"ocache_heap_limit_bytes {(512L << 20) / 10 * 6}\n", metrics, StringComparison.Ordinal);

        var clock = Stopwatch.StartNew();
        Assert.Equal(0, await silo.EndAsync("-TERM"));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"stopping took {clock.Elapsed}");
        Assert.False(File.Exists(Path.Combine(_folder, "data/endpoints.json")));
        Assert.Contains($"ready silo-port={silo.Port("silo")}", silo.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", silo.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whatever_is_wrong_is_said_in_one_sentence()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = $"{((IPEndPoint)other.LocalEndpoint).Port}";
        var data = $"{_folder}/fresh";
        string[] ports = ["--silo-port", "0", "--gateway-port", "0", "--data-port", "0", "--http-port"];
        await SaysAsync(1, taken, ["serve", "--data-dir", data, .. ports, taken]);
        await SaysAsync(1, "/proc/nothing", "serve", "--data-dir", "/proc/nothing");
        await SaysAsync(1, $"{_folder}/no/such", "serve", "--data-dir", $"{_folder}/no/such");
        await SaysAsync(1, "/proc/nothing", "serve", "--data-dir", data, "--tier", "nvme=/proc/nothing:1GiB");
        await SaysAsync(1, $"{_folder}/tier", ["serve", "--data-dir", data, "--tier", $"nvme={_folder}/tier:900TiB", .. ports, "0"]);
        await SaysAsync(2, "--tier", "serve", "--data-dir", data, "--tier", "nvme");
        await SaysAsync(2, "--no-such-flag", "serve", "--no-such-flag");
    }

    [Fact]
    public async Task Help_names_every_flag()
    {
        var (exitCode, output, _) = await RunningSilo.RunAsync("serve", "--help");
        Assert.Equal(0, exitCode);
        Assert.All(Silo.Configuration.Setting.All, setting => Assert.Contains(setting.Flag, output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task After_kill_9_what_was_cached_is_served_without_the_under_storage()
    {
        var source = Directory.CreateDirectory(Path.Combine(_folder, "source")).FullName;
        var content = new byte[5_000_000];
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(Path.Combine(source, "file"), content);
        using (var silo = await RunningSilo.StartAsync(_folder))
        {
            Assert.True(await ReadAndCountAsync(silo, source, content) > 0);
            Assert.Equal(1, (await RunningSilo.RunAsync("serve", "--data-dir", $"{_folder}/data")).ExitCode);
            await UntilResidentAsync(silo, content.Length);
            await silo.EndAsync("-KILL");
        }

        using var again = await RunningSilo.StartAsync(_folder);
        Assert.Equal(0, await ReadAndCountAsync(again, source, content));
        Assert.Equal(0, await again.EndAsync("-INT"));
    }

    private static async Task SaysAsync(int exitCode, string what, params string[] arguments)
    {
        var (code, output, errors) = await RunningSilo.RunAsync(arguments);
        Assert.True(code == exitCode, $"exit code {code} instead of {exitCode}: {output}{errors}");
        Assert.StartsWith("silo: ", errors, StringComparison.Ordinal);
        Assert.Single(errors.TrimEnd().Split('\n'));
        Assert.Contains(what, errors, StringComparison.Ordinal);
    }

    /// <summary>Attaches (once), reads the file through both kinds of connection, and returns the under-storage reads.</summary>
    private static async Task<long> ReadAndCountAsync(RunningSilo silo, string source, byte[] content)
    {
        using var patience = new CancellationTokenSource(RunningSilo.Patience);
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.UseOrleansClient(client => client.UseLocalhostClustering(
            silo.Port("gateway"), ClusterIdentity.ServiceId, ClusterIdentity.DefaultClusterId));
        using var host = builder.Build();
        await host.StartAsync(patience.Token);
        var grains = host.Services.GetRequiredService<IClusterClient>();
        var names = grains.GetGrain<INamespaceGrain>(INamespaceGrain.Key);
        var table = await names.GetTable(patience.Token);
        var info = table.Sources.Length > 0
            ? table.Sources[0]
            : await names.Attach(new($"file://{source}", "/d", []), patience.Token);
        var root = new DirectoryRef(info.Id, "", info.Root.Id);
        var found = await grains.GetGrain<IDirectoryGrain>(root.GrainKey).Lookup(root, "file", patience.Token);
        Assert.Equal(ReadStatus.Ok, found.Status);
        var entry = found.Entry!;
        var capability = new ReadCapability(
            entry.Key, info.Id, "file", entry.Metadata.Id, entry.Metadata.Version, entry.BlockSizeBytes, entry.Seal);

        var socket = silo.Endpoints.GetProperty("socket").GetString();
        var status = default(StatusOutcome);
        foreach (var path in (string?[])[null, socket])
        {
            await using var connection = await BlockConnection.ConnectAsync(
                new DataEndpoint("127.0.0.1", silo.Port("data"), path),
                new BlockConnectionOptions { ClusterId = ClusterIdentity.DefaultClusterId }, TimeProvider.System, patience.Token);
            Assert.Equal(ReadStatus.Ok, await connection.PresentAsync(capability, patience.Token));
            var bytes = new byte[content.Length];
            var outcome = await connection.ReadAsync(capability.Key, 0, bytes, patience.Token);
            Assert.Equal((ReadStatus.Ok, content.Length), (outcome.Status, outcome.Bytes));
            Assert.True(content.AsSpan().SequenceEqual(bytes), "wrong bytes");
            status = await connection.GetStatusAsync(patience.Token);
        }

        await host.StopAsync(patience.Token);
        using var json = JsonDocument.Parse(status.Json);
        return json.RootElement.GetProperty("sources").EnumerateArray().Sum(one => one.GetProperty("under_storage_reads").GetInt64());
    }

    private static async Task UntilResidentAsync(RunningSilo silo, long bytes)
    {
        using var http = new HttpClient { Timeout = RunningSilo.Patience };
        var clock = Stopwatch.StartNew();
        while (!(await http.GetStringAsync(silo.Page("/metrics")))
            .Contains($"ocache_tier_fills_completed_total{{path=\"{Path.Combine(silo.Folder, "tier")}\"}} 2\n", StringComparison.Ordinal))
        {
            Assert.True(clock.Elapsed < RunningSilo.Patience, $"{bytes} bytes are not resident");
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }

    private static void SendGarbage(int port, int seed)
    {
        var bytes = new byte[8192];
        new Random(seed).NextBytes(bytes);
        using var client = new TcpClient();
        client.Connect(IPAddress.Loopback, port);
        try
        {
            client.GetStream().Write(bytes);
        }
        catch (IOException)
        {
            // Hung up on already: as it should.
        }
    }
}
