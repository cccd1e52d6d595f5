using System.Diagnostics;
using System.Net.Sockets;
using OrleansCache.LocalCluster;

namespace OrleansCache.Posix.Tests;

/// <summary>Wrong input gets one clear sentence in bounded time, never a stack trace, and harms nobody else.</summary>
public sealed class BadInputTests : IAsyncLifetime
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private readonly ScratchFolder _scratch = new();
    private LocalSilo _silo = null!;

    public async Task InitializeAsync() => _silo = await LocalSilo.StartAsync(_scratch.Path);

    public async Task DisposeAsync()
    {
        await _silo.DisposeAsync();
        _scratch.Dispose();
    }

    [Fact]
    public async Task Attaching_a_missing_directory_names_it() =>
        Says(await Ocache("attach", "file:///no/such/dir", "/x"), "/no/such/dir", 2, 3);

    [Fact]
    public async Task Attaching_a_file_is_refused()
    {
        var file = Path.Combine(_scratch.Path, "file");
        await File.WriteAllTextAsync(file, "x");
        Says(await Ocache("attach", new Uri(file).AbsoluteUri, "/x"), "directory", 2, 3);
    }

    [Fact]
    public async Task An_unknown_scheme_and_an_unknown_option_are_named()
    {
        Says(await Ocache("attach", "gopher://host/x", "/x"), "gopher", 2);
        Says(await Ocache("attach", new Uri(_scratch.Folder("source")).AbsoluteUri, "/x", "--option", "colour=red"), "colour", 2);
        Says(await Ocache("attach", new Uri(_scratch.Folder("source")).AbsoluteUri, "/x", "--option", "block-size=3MiB"), "block-size", 2);
    }

    [Fact]
    public async Task An_unknown_source_path_is_not_found()
    {
        Says(await Ocache("detach", "/nothing"), "/nothing", 3);
        Says(await Ocache("ls", "/nothing"), "/nothing", 3);
        Says(await Ocache("stat", "/nothing/here"), "/nothing", 3);
        Says(await Ocache("cat", "/nothing/here"), "/nothing", 3);
        Says(await Ocache("load", "/nothing", "--wait"), "/nothing", 3);
    }

    [Fact]
    public async Task A_mount_point_that_is_missing_a_file_or_not_empty_is_refused()
    {
        Says(await Ocache("mount", Path.Combine(_scratch.Path, "missing")), "missing", 2, 3);
        var full = _scratch.Folder("full");
        await File.WriteAllTextAsync(Path.Combine(full, "file"), "x");
        Says(await Ocache("mount", full), "empty", 2, 1);
        Says(await Ocache("mount", Path.Combine(full, "file")), "directory", 2, 3, 1);
        Says(await Ocache("mount", _scratch.Folder("m1"), "--path", "/nothing"), "/nothing", 3);
        Says(await Ocache("unmount", _scratch.Folder("m2")), "m2", 3, 2);
    }

    [Fact]
    public async Task A_cluster_that_is_not_there_is_said_in_bounded_time()
    {
        using var taken = new TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start(); // Listens, never answers.
        var silent = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
        foreach (var cluster in (string[])["127.0.0.1:1", $"127.0.0.1:{silent}"])
        {
            var clock = Stopwatch.StartNew();
            Says(await Command.RunAsync(Programs.Ocache, ["--cluster", cluster, "status"], Bound), cluster, 4);
            Assert.True(clock.Elapsed < Bound);
        }
    }

    [Fact]
    public async Task A_taken_port_a_bad_data_dir_and_a_second_silo_are_refused_with_what_to_do()
    {
        Says(await Serve("--data-dir", _scratch.Folder("other"), "--http-port", $"{_silo.HttpPort}"), $"{_silo.HttpPort}", 1, 2);
        Says(await Serve("--data-dir", "/proc/nothing"), "/proc/nothing", 1, 2);
        Says(await Serve("--data-dir", _silo.DataFolder), _silo.DataFolder, 1, 2);
        Says(await Serve("--data-dir", _scratch.Folder("other"), "--tier", "nvme"), "--tier", 1, 2);
        Says(await Serve("--data-dir", _scratch.Folder("other"), "--tier", "nvme=/proc/nothing:1GiB"), "/proc/nothing", 1, 2);
    }

    [Fact]
    public async Task Garbage_on_every_listening_port_changes_nothing()
    {
        var source = _scratch.Folder("source");
        Content.WriteRandom(Path.Combine(source, "file"), 1_000_000, 5);
        (await Ocache("attach", new Uri(source).AbsoluteUri, "/x")).Checked("attach");
        var random = new Random(42);
        foreach (var port in (int[])[_silo.GatewayPort, _silo.DataPort, _silo.HttpPort])
        {
            for (var attempt = 0; attempt < 20; attempt++)
            {
                await SendGarbageAsync(port, random);
            }
        }

        Assert.Equal(0, (await Ocache("cat", "/x/file")).ExitCode);
        Assert.Contains("ocache_", await _silo.GetAsync("/metrics"), StringComparison.Ordinal);
        Assert.True(_silo.ResidentBytes < 512L << 20, $"{_silo.ResidentBytes >> 20} MiB resident after garbage");
    }

    [Fact]
    public async Task A_full_tier_file_system_serves_every_byte_and_loses_nothing()
    {
        var tmpfs = _scratch.Folder("full-disk");
        (await Command.RunAsync("mount", ["-t", "tmpfs", "-o", "size=24m", "ocache-test", tmpfs])).Checked("mount tmpfs");
        var source = _scratch.Folder("source");
        for (var index = 0; index < 6; index++)
        {
            Content.WriteRandom(Path.Combine(source, $"f{index}"), 9_000_000, index);
        }

        await using var silo = await LocalSilo.StartAsync(tmpfs, "20MiB");
        (await Command.OcacheAsync(silo, ["attach", new Uri(source).AbsoluteUri, "/x"])).Checked("attach");
        Content.WriteRandom(Path.Combine(tmpfs, "hog"), 12_000_000, 99);
        var copies = _scratch.Folder("copies");
        for (var pass = 0; pass < 2; pass++)
        {
            for (var index = 0; index < 6; index++)
            {
                var copy = Path.Combine(copies, $"f{index}-{pass}");
                (await Command.OcacheAsync(silo, ["cp", $"/x/f{index}", copy])).Checked("cp");
                Assert.Equal(Content.Hash(Path.Combine(source, $"f{index}")), Content.Hash(copy));
            }
        }
    }

    private static void Says(CommandResult result, string expected, params int[] codes)
    {
        Assert.True(
            codes.Contains(result.ExitCode),
            $"exit code {result.ExitCode}, expected {string.Join(" or ", codes)}: {result.Error}{result.Output}");
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error + result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", result.Error + result.Output, StringComparison.Ordinal);
    }

    private static Task<CommandResult> Serve(params string[] arguments) => Command.RunAsync(
        Programs.Silo,
        ["serve", .. arguments, .. arguments.Contains("--http-port") ? Array.Empty<string>() : ["--http-port", "0"],
            "--silo-port", "0", "--gateway-port", "0", "--data-port", "0"],
        Bound);

    private static async Task SendGarbageAsync(int port, Random random)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(System.Net.IPAddress.Loopback, port);
        var garbage = new byte[random.Next(1, 200_000)];
        random.NextBytes(garbage);
        try
        {
            await client.GetStream().WriteAsync(garbage);
        }
        catch (IOException)
        {
            // Refused early: that is what we want.
        }
    }

    private Task<CommandResult> Ocache(params string[] arguments) => Command.OcacheAsync(_silo, arguments, Bound);
}
