using OrleansCache.Cli.Mounting;
using OrleansCache.Cli.Output;

namespace OrleansCache.Cli.Tests;

public sealed class OutputTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(5L << 40, "5.0 TiB")]
    public void Bytes_have_binary_units(long bytes, string text) => Assert.Equal(text, Units.Bytes(bytes));

    [Fact]
    public void A_mount_keeps_to_its_memory_also_in_a_small_container()
    {
        Assert.Equal(384L << 20, MountMemory.HeapBytes(64L << 30));
        Assert.Equal(144L << 20, MountMemory.HeapBytes(256L << 20));
    }

    [Fact]
    public void Modes_are_octal() => Assert.Equal(("100644", "040755"), (EntryJson.ModeOf(0x81A4), EntryJson.ModeOf(0x41ED)));

    [Fact]
    public void Times_are_UTC() => Assert.Equal("1970-01-01 00:00:01", Units.Time(1_999_999_999));

    [Fact]
    public void A_name_keeps_its_bytes() =>
        Assert.Equal([(byte)'a', 0xFF], StandardOutput.NameBytes(Files.EntryName.FromBytes([(byte)'a', 0xFF])));

    [Fact]
    public void The_ready_line_survives_the_pipe()
    {
        var line = new ReadyLine(7, 3, "no \"such\"\npath", "look");
        Assert.DoesNotContain('\n', line.ToText());
        Assert.Equal(line, ReadyLine.Parse(line.ToText()));
        Assert.Null(ReadyLine.Parse("Unhandled exception."));
    }

    [Fact]
    public void Each_mount_point_has_a_log_of_its_own()
    {
        Assert.EndsWith("/ocache/mount-mnt-data.log", MountPlan.DefaultLogFile("/mnt/data"), StringComparison.Ordinal);
        Assert.NotEqual(MountPlan.DefaultLogFile("/mnt/a"), MountPlan.DefaultLogFile("/mnt/b"));
    }

    [Fact]
    public void An_empty_default_log_is_removed_and_one_with_words_stays()
    {
        var folder = Directory.CreateTempSubdirectory("ocache-cli-");
        try
        {
            var log = Path.Combine(folder.FullName, "logs", "mount.log");
            var plan = new MountPlan(new ClusterAccess("127.0.0.1:1", null, null, null), "/m", "/", false, log, IsDefaultLog: true);
            Directory.CreateDirectory(Path.GetDirectoryName(log)!);
            File.WriteAllText(log, "trouble");
            plan.RemoveEmptyLog();
            Assert.True(File.Exists(log));
            File.WriteAllText(log, string.Empty);
            (plan with { IsDefaultLog = false }).RemoveEmptyLog();
            Assert.True(File.Exists(log));
            plan.RemoveEmptyLog();
            Assert.False(Directory.Exists(Path.GetDirectoryName(log)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
