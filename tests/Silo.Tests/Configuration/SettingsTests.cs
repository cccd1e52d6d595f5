using OrleansCache.BlockStore;
using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Tests.Configuration;

/// <summary>What a user may say, and what is said to a user who said something else.</summary>
public sealed class SettingsTests
{
    [Fact]
    public void Without_any_setting_the_contracts_defaults_count()
    {
        var settings = Read();
        Assert.Equal((11111, 30000, 30010, 30080), (settings.SiloPort, settings.GatewayPort, settings.DataPort, settings.HttpPort));
        Assert.Equal("127.0.0.1", settings.Listen.ToString());
        Assert.Equal(512L << 20, settings.MemoryLimitBytes);
        Assert.True(settings.Tiers[0].IsDefault);
        Assert.Equal(Path.Combine(settings.DataDirectory, "nvme"), settings.Tiers[0].Directory);
        Assert.True(settings.IsDefaultDataDirectory);
    }

    [Fact]
    public void A_flag_wins_over_the_environment_and_that_over_the_file()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, """{ "http-port": 1000, "data-port": 1001, "silo-port": "1002", /* c */ "tier": "ssd=/x:20MiB", }""");
        var settings = Read(
            new() { ["http-port"] = "3000", ["config"] = file },
            new() { ["OCACHE_HTTP_PORT"] = "2000", ["OCACHE_DATA_PORT"] = "2001" });
        File.Delete(file);
        Assert.Equal((3000, 2001, 1002), (settings.HttpPort, settings.DataPort, settings.SiloPort));
        Assert.Equal(TierMedium.Ssd, settings.Tiers[0].Medium);
        Assert.Equal(20L << 20, settings.Tiers[0].CapacityBytes);
    }

    [Fact]
    public void Several_tiers_come_from_flags_the_environment_or_the_file()
    {
        (TierMedium, string, long)[] expected = [(TierMedium.Nvme, "/a", 1L << 30), (TierMedium.Hdd, "/ab", 1L << 40)];
        var file = Path.GetTempFileName();
        File.WriteAllText(file, """{ "tier": ["nvme=/a:1GiB", "hdd=/ab/:1TiB"], "scrub-rate": "0" }""");
        SiloSettings[] all =
        [
            Read(new() { ["tier"] = "nvme=/a:1GiB\nhdd=/ab:1TiB", ["scrub-rate"] = "0" }),
            Read(variables: new() { ["OCACHE_TIER"] = "nvme=/a:1GiB; hdd=/ab:1TiB", ["OCACHE_SCRUB_RATE"] = "0" }),
            Read(new() { ["config"] = file }),
        ];
        File.Delete(file);
        Assert.All(all, settings => Assert.Equal(
            expected, settings.Tiers.Select(tier => (tier.Medium, tier.Directory, tier.CapacityBytes))));
        Assert.All(all, settings => Assert.Equal(0, settings.ScrubBytesPerSecond));
    }

    [Fact]
    public void Small_files_are_packed_unless_the_threshold_is_0()
    {
        Assert.Equal(64 << 10, Read([]).PackedMaxBytes);
        Assert.Equal(0, Read(new() { ["packed-max"] = "0" }).PackedMaxBytes);
        Assert.Equal(1 << 20, Read(variables: new() { ["OCACHE_PACKED_MAX"] = "1MiB" }).PackedMaxBytes);
    }

    [Theory]
    [InlineData("silo-port", "70000", "--silo-port")]
    [InlineData("http-port", "-1", "--http-port")]
    [InlineData("data-port", "x", "--data-port")]
    [InlineData("tier", "nvme", "NAME=DIR:SIZE")]
    [InlineData("tier", "nvme=/x", "NAME=DIR:SIZE")]
    [InlineData("tier", "tape=/x:1GiB", "tape")]
    [InlineData("tier", "nvme=/x:manyGiB", "manyGiB")]
    [InlineData("tier", "nvme=/x:1MiB", "too small")]
    [InlineData("tier", "nvme=/x:-1GiB", "-1GiB")]
    [InlineData("tier", "nvme=/x:1GiB\nnvme=/x/:1GiB", "twice")]
    [InlineData("tier", "nvme=/x/y:1GiB\nhdd=/x:1GiB", "/x/y, which lies in /x")]
    [InlineData("tier", "nvme=/x:1GiB\nhdd", "NAME=DIR:SIZE")]
    [InlineData("scrub-rate", "slow", "--scrub-rate")]
    [InlineData("packed-max", "2MiB", "--packed-max")]
    [InlineData("packed-max", "-1", "--packed-max")]
    [InlineData("memory-limit", "10MiB", "--memory-limit")]
    [InlineData("memory-limit", "lots", "lots")]
    [InlineData("listen", "0.0.0.0", "127.0.0.1")]
    [InlineData("listen", "example.org", "not an IP address")]
    [InlineData("name", "a b", "--name")]
    [InlineData("log-level", "loud", "loud")]
    [InlineData("config", "/no/such/file", "/no/such/file")]
    [InlineData("data-dir", "", "--data-dir")]
    [InlineData("fill-concurrency", "0", "--fill-concurrency")]
    public void A_wrong_value_is_named_with_its_flag_and_what_to_do(string name, string value, string says)
    {
        var exception = Assert.Throws<SiloStartException>(() => Read(new() { [name] = value }));
        Assert.Equal(SiloStartException.BadUsage, exception.ExitCode);
        Assert.Contains(says, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Fact]
    public void The_environment_variable_is_named_when_it_is_to_blame()
    {
        var exception = Assert.Throws<SiloStartException>(() => Read(variables: new() { ["OCACHE_HTTP_PORT"] = "x" }));
        Assert.StartsWith("OCACHE_HTTP_PORT", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_member_of_the_file_and_what_is_no_json_are_refused()
    {
        var file = Path.GetTempFileName();
        foreach (var (text, says) in (IEnumerable<(string, string)>)
            [("""{"htp-port": 1}""", "htp-port"), ("[1]", "object"), ("{", "JSON"), ("""{"config": "x"}""", "config")])
        {
            File.WriteAllText(file, text);
            var exception = Assert.Throws<SiloStartException>(() => Read(new() { ["config"] = file }));
            Assert.Contains(says, exception.Message, StringComparison.Ordinal);
            Assert.Equal(SiloStartException.BadUsage, exception.ExitCode);
        }

        File.Delete(file);
    }

    [Fact]
    public void Two_settings_on_one_port_are_refused_and_zero_is_not_a_port()
    {
        Assert.Contains("--data-port and --http-port", Assert.Throws<SiloStartException>(
            () => Read(new() { ["http-port"] = "5000", ["data-port"] = "5000" })).Message, StringComparison.Ordinal);
        Assert.Equal(0, Read(new() { ["http-port"] = "0", ["data-port"] = "0" }).HttpPort);
    }

    [Theory]
    [InlineData("65536", 65536)]
    [InlineData("1KiB", 1024)]
    [InlineData("512 mib", 512L << 20)]
    [InlineData("1.5GiB", 3L << 29)]
    [InlineData("2TiB", 2L << 40)]
    [InlineData("7B", 7)]
    public void Sizes_are_read_as_people_write_them(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var read));
        Assert.Equal(bytes, read);
        Assert.True(ByteSize.TryParse(ByteSize.Format(bytes), out var again));
        Assert.InRange(again, bytes * 0.95, bytes * 1.05);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-1MiB")]
    [InlineData("1e9")]
    [InlineData("99999999999TiB")]
    public void What_is_no_size_is_refused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    private static SiloSettings Read(Dictionary<string, string>? flags = null, Dictionary<string, string>? variables = null) =>
        SiloSettings.From(SettingValues.Collect(
            setting => flags?.GetValueOrDefault(setting.Name), name => variables?.GetValueOrDefault(name)));
}
