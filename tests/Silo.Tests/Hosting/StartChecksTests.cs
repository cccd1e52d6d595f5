using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using OrleansCache.BlockStore;
using OrleansCache.Silo.Configuration;
using OrleansCache.Silo.Hosting;

namespace OrleansCache.Silo.Tests.Hosting;

/// <summary>What is checked and written before anything starts.</summary>
public sealed class StartChecksTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ocache-start-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_data_directory_belongs_to_one_silo_at_a_time()
    {
        using (DataDirectory.Open(_folder, isDefault: false))
        {
            var exception = Assert.Throws<SiloStartException>(() => DataDirectory.Open(_folder, isDefault: false));
            Assert.Contains(_folder, exception.Message, StringComparison.Ordinal);
            Assert.Contains("--data-dir", exception.Message, StringComparison.Ordinal);
            Assert.Equal(1, exception.ExitCode);
        }

        DataDirectory.Open(_folder, isDefault: false).Dispose();
    }

    [Fact]
    public void The_last_part_of_a_path_is_made_and_more_is_a_typing_error()
    {
        var one = Path.Combine(_folder, "one");
        DataDirectory.Open(one, isDefault: false).Dispose();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(one));
        var two = Path.Combine(_folder, "two/three");
        Assert.Contains(two, Assert.Throws<SiloStartException>(() => DataDirectory.Open(two, isDefault: false)).Message, StringComparison.Ordinal);
        DataDirectory.Open(two, isDefault: true).Dispose();
    }

    [Fact]
    public void A_file_an_unwritable_place_and_another_format_are_refused()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "x");
        Assert.Contains("is a file", Assert.Throws<SiloStartException>(() => DataDirectory.Open(file, false)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "/proc/nothing",
            Assert.Throws<SiloStartException>(() => DataDirectory.Open("/proc/nothing", false)).Message,
            StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "format"), "ocache-data 99\n");
        Assert.Contains(
            "ocache-data 99",
            Assert.Throws<SiloStartException>(() => DataDirectory.Open(_folder, false)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_sealing_key_is_made_once_secret_and_kept()
    {
        var path = Path.Combine(_folder, "sealing.key");
        var key = SealingKey.LoadOrCreate(path);
        Assert.Equal(32, key.Length);
        Assert.Contains(key, b => b != 0);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal(key, SealingKey.LoadOrCreate(path));
        Assert.NotEqual(key, SealingKey.LoadOrCreate(Path.Combine(_folder, "another.key")));
        File.WriteAllBytes(path, new byte[7]);
        Assert.Contains(path, Assert.Throws<SiloStartException>(() => SealingKey.LoadOrCreate(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_taken_port_is_named_with_its_flag()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        var exception = Assert.Throws<SiloStartException>(() => PortCheck.Resolve(Settings() with { DataPort = port }));
        Assert.Contains($"{port}", exception.Message, StringComparison.Ordinal);
        Assert.Contains("--data-port", exception.Message, StringComparison.Ordinal);
        Assert.Equal(1, exception.ExitCode);
    }

    [Fact]
    public void Port_zero_becomes_four_different_ports()
    {
        var ports = PortCheck.Resolve(Settings()).Ports.Select(port => port.Port).ToArray();
        Assert.All(ports, port => Assert.InRange(port, 1, 65535));
        Assert.Equal(4, ports.Distinct().Count());
    }

    [Fact]
    public void The_socket_path_never_exceeds_what_linux_allows()
    {
        Assert.Equal("/d/run/data.sock", SocketPath.Choose("/d", null));
        var deep = "/" + string.Join('/', Enumerable.Repeat("directory", 12));
        Assert.Null(SocketPath.Choose(deep, null));
        Assert.Null(SocketPath.Choose(deep, "/no/such/run"));
        var path = SocketPath.Choose(deep, _folder);
        Assert.StartsWith(_folder, path, StringComparison.Ordinal);
        Assert.InRange(path!.Length, 1, SocketPath.MaxBytes);
        Assert.Equal(path, SocketPath.Choose(deep, _folder));
        Assert.NotEqual(path, SocketPath.Choose(deep + "x", _folder));
    }

    [Fact]
    public void The_endpoints_file_says_where_the_silo_listens()
    {
        EndpointsFile.Write(_folder, Settings() with { SiloPort = 1, GatewayPort = 2, DataPort = 3, HttpPort = 4 }, "/s");
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder, EndpointsFile.FileName)));
        Assert.Equal(3, json.RootElement.GetProperty("data_port").GetInt32());
        Assert.Equal("127.0.0.1:2", json.RootElement.GetProperty("cluster").GetString());
        Assert.Equal("/s", json.RootElement.GetProperty("socket").GetString());
        EndpointsFile.Delete(_folder);
        Assert.Empty(Directory.EnumerateFiles(_folder));
    }

    [Theory]
    [InlineData(1000, 900, true, 10.0)]
    [InlineData(1000, 5, true, 4.0)]
    [InlineData(8, 8, true, 4.0)]
    [InlineData(1000, 1, false, 10.0)]
    public void A_tier_nobody_sized_follows_the_disk(long diskGiB, long freeGiB, bool isNew, double expectedGiB)
    {
        var tier = TierCapacity.Decide(new TierSpec(TierMedium.Nvme, "/t", 10L << 30, true), diskGiB << 30, freeGiB << 30, isNew);
        Assert.Equal(expectedGiB, Math.Round((double)tier.CapacityBytes / (1L << 30), 2));
    }

    [Fact]
    public void A_disk_without_room_is_refused_and_a_given_size_is_kept()
    {
        Assert.Throws<SiloStartException>(
            () => TierCapacity.Decide(new TierSpec(TierMedium.Nvme, "/t", 10L << 30, true), 1L << 40, 1L << 20, true));
        Assert.Equal(1L << 30, TierCapacity.Decide(
            new TierSpec(TierMedium.Nvme, "/t", 1L << 30, false), 1L << 20, 1L << 20, true).CapacityBytes);
    }

    [Fact]
    public void Two_paths_of_one_directory_are_refused()
    {
        var real = Path.Combine(_folder, "real");
        var link = Path.Combine(_folder, "link");
        Directory.CreateDirectory(real);
        File.CreateSymbolicLink(link, real);
        TierSpec[] tiers = [new(TierMedium.Nvme, real, 1L << 30, false), new(TierMedium.Ssd, link, 1L << 30, false)];
        var exception = Assert.Throws<SiloStartException>(() => TierDirectories.Prepare(tiers));
        Assert.Contains("the same directory", exception.Message, StringComparison.Ordinal);
        TierDirectories.Prepare([tiers[0], new(TierMedium.Ssd, Path.Combine(_folder, "other"), 1L << 30, false)]);
        Assert.Empty(Directory.EnumerateFiles(real));
    }

    [Theory]
    [InlineData(192L << 20)]
    [InlineData(512L << 20)]
    [InlineData(64L << 30)]
    public void All_parts_of_the_memory_budget_fit_into_it(long bytes)
    {
        var budget = new MemoryBudget(bytes);
        Assert.InRange(budget.HeapBytes, 1, bytes);
        Assert.InRange(budget.ConcurrentFills(16, 1 << 20) * (1L << 20), 1 << 20, bytes / 8);
        Assert.InRange(budget.Capabilities, 4096, 1_000_000);
        Assert.InRange(budget.Connections(areTls: false, most: 16_384) * 8_600L, 1, bytes / 3);
        Assert.InRange(budget.Connections(areTls: true, most: 16_384) * 39_700L, 1, bytes / 4);
        Assert.Equal(100, budget.Connections(areTls: true, most: 100));
        Assert.Equal(bytes, MemoryBudget.Of(bytes, long.MaxValue).ProcessBytes);
        Assert.True(MemoryBudget.Of(bytes, bytes).ProcessBytes < bytes);
    }

    private SiloSettings Settings() => new()
    {
        DataDirectory = _folder,
        Tiers = [new TierSpec(TierMedium.Nvme, _folder, 1L << 30, false)],
        Listen = IPAddress.Loopback,
        SiloPort = 0,
        GatewayPort = 0,
        DataPort = 0,
        HttpPort = 0,
        Name = "test",
    };
}
