using System.Diagnostics;
using System.Text.Json;
using OrleansCache.LocalCluster;

namespace OrleansCache.Posix.Tests;

/// <summary>The demo keeps its promises: right figures, and nothing left behind however it ends.</summary>
public sealed class DemoTests
{
    private static string Demo => Path.Combine(Programs.Root, "artifacts", "bin", "Demo", "release", "ocache-demo");

    [Fact]
    public async Task Its_last_line_is_json_and_a_warm_pass_reads_nothing_from_the_under_storage()
    {
        using var scratch = new ScratchFolder();
        Content.WriteTree(scratch.Folder("data"));
        var result = await Command.RunAsync(Demo, [scratch.Folder("data"), "--json"], TimeSpan.FromMinutes(2));
        result.Checked("the demo");
        using var json = JsonDocument.Parse(result.Output.TrimEnd().Split('\n')[^1]);
        Assert.Equal(0, json.RootElement.GetProperty("mismatches").GetInt32());
        Assert.Equal(0, json.RootElement.GetProperty("warm_under_storage_reads").GetInt64());
        Assert.Equal(1.0, json.RootElement.GetProperty("warm_hit_ratio").GetDouble());
        Assert.Equal(304, json.RootElement.GetProperty("files").GetInt32());
        foreach (var speed in (string[])["cold_mib_s", "warm_mib_s", "native_mib_s"])
        {
            Assert.True(json.RootElement.GetProperty(speed).GetDouble() > 0, speed);
        }
    }

    [Fact]
    public async Task Ctrl_C_in_the_middle_leaves_no_mount_process_or_folder()
    {
        using var scratch = new ScratchFolder();
        Content.WriteTree(scratch.Folder("data"));
        var start = new ProcessStartInfo(Demo) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("--stay");
        start.ArgumentList.Add(scratch.Folder("data"));
        using var demo = Process.Start(start)!;
        string? line;
        do
        {
            line = await demo.StandardError.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));
            Assert.NotNull(line);
        }
        while (!line.Contains("Ctrl-C ends", StringComparison.Ordinal));

        var below = Directory.GetDirectories(Path.GetTempPath(), $"ocache-scratch-{demo.Id}-*").Single();
        Assert.NotEmpty(ScratchFolder.MountsBelow(below));
        Signal.Interrupt(demo.Id);
        await demo.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(40));
        Assert.False(Directory.Exists(below), "its folder is still there");
        Assert.Empty(ScratchFolder.MountsBelow(below));
        Assert.Null(LocalMount.FindDaemon(Path.Combine(below, "mount")));
    }

    [Fact]
    public async Task Ctrl_C_on_a_terminal_in_the_middle_of_a_pass_ends_it_soon_and_leaves_nothing()
    {
        using var scratch = new ScratchFolder();
        Content.WriteRandom(Path.Combine(scratch.Folder("data"), "large"), 1L << 30, 1);
        var start = new ProcessStartInfo("setsid") { RedirectStandardError = true, RedirectStandardOutput = true };
        string[] arguments = [Demo, scratch.Folder("data")];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var demo = Process.Start(start)!;
        string? below = null;
        var clock = Stopwatch.StartNew();
        while (below is null || ScratchFolder.MountsBelow(below).Count == 0)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(90) && !demo.HasExited, "the demo did not mount");
            below = Directory.GetDirectories(Path.GetTempPath(), $"ocache-scratch-{demo.Id}-*").FirstOrDefault();
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }

        // As the terminal does: to the whole group, while the cold pass runs.
        (await Command.RunAsync("/bin/kill", ["-INT", "--", $"-{demo.Id}"])).Checked("kill");
        await demo.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(130, demo.ExitCode);
        Assert.False(Directory.Exists(below), "its folder is still there");
        Assert.Null(LocalMount.FindDaemon(Path.Combine(below, "mount")));
    }

    [Fact]
    public async Task From_a_bucket_of_Ceph_every_byte_is_asked_for_once()
    {
        using var scratch = new ScratchFolder();
        Content.WriteTree(scratch.Folder("data"));
        var result = await Command.RunAsync(Demo, [scratch.Folder("data"), "--s3", "--json"], TimeSpan.FromMinutes(4));
        result.Checked("the demo");
        using var json = JsonDocument.Parse(result.Output.TrimEnd().Split('\n')[^1]);
        Assert.Equal(0, json.RootElement.GetProperty("mismatches").GetInt32());
        Assert.Equal(0, json.RootElement.GetProperty("warm_store_requests").GetInt32());
        Assert.Equal(json.RootElement.GetProperty("bytes").GetInt64(), json.RootElement.GetProperty("cold_store_bytes").GetInt64());
    }

    [Fact]
    public async Task Ctrl_C_leaves_no_gateway()
    {
        using var scratch = new ScratchFolder();
        Content.WriteTree(scratch.Folder("data"));
        var start = new ProcessStartInfo("setsid") { RedirectStandardError = true, RedirectStandardOutput = true };
        string[] arguments = [Demo, "--stay", "--s3", scratch.Folder("data")];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var demo = Process.Start(start)!;
        string? line;
        do
        {
            line = await demo.StandardError.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(4));
            Assert.NotNull(line);
        }
        while (!line.Contains("Ctrl-C ends", StringComparison.Ordinal));

        var folder = Directory.GetDirectories(Path.GetTempPath(), $"ocache-rgw-{demo.Id}-*").Single();
        Assert.NotEmpty(Naming(folder));
        (await Command.RunAsync("/bin/kill", ["-INT", "--", $"-{demo.Id}"])).Checked("kill");
        await demo.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.False(Directory.Exists(folder), "the gateway's folder is still there");
        Assert.Empty(Naming(folder));
    }

    [Fact]
    public async Task A_missing_folder_is_named()
    {
        var result = await Command.RunAsync(Demo, ["/no/such/folder"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("/no/such/folder is not a directory", result.Error, StringComparison.Ordinal);
    }

    /// <summary>Processes that have a folder in their command line: the gateway's daemons and what runs them.</summary>
    private static List<string> Naming(string folder)
    {
        var found = new List<string>();
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            try
            {
                var line = File.ReadAllText($"{process}/cmdline");
                if (line.Contains(folder, StringComparison.Ordinal))
                {
                    found.Add(line.Replace('\0', ' '));
                }
            }
            catch (IOException)
            {
                // It ended between the listing and the look.
            }
        }

        return found;
    }
}
