using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using OrleansCache.Linux;

namespace OrleansCache.Cli.Tests;

/// <summary>docs/CONTRACT.md, as far as no cluster is needed: the program itself is run.</summary>
public sealed class ProgramTests
{
    [Fact]
    public async Task Help_names_every_command_of_the_contract()
    {
        var (code, output, error) = await Ocache.RunAsync("--help");
        Assert.Equal((0, string.Empty), (code, error));
        foreach (var command in (string[])
            ["attach", "detach", "sources", "sync", "mount", "unmount", "ls", "stat", "cat", "cp", "load", "status"])
        {
            Assert.Contains($"\n  {command} ", output, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("--detached", (await Ocache.RunAsync("mount", "--help")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("there is no command 'frob'", "frob")]
    [InlineData("--frob", "ls", "--frob")]
    [InlineData("PATH", "attach", "file:///x")]
    [InlineData("absolute", "sync", "imagenet")]
    [InlineData("PATH", "sync")]
    [InlineData("many", "load", "/x", "--parallel", "many")]
    [InlineData("HOST:PORT", "status", "--cluster", "nowhere")]
    [InlineData("--tls-ca wants one FILE", "status", "--tls-ca", "")]
    [InlineData("--tls-server-name wants one NAME", "status", "--tls-server-name", "")]
    public async Task Wrong_usage_is_one_sentence_and_code_2(string expected, params string[] arguments)
    {
        var (code, output, error) = await Ocache.RunAsync(arguments);
        Assert.Equal((ExitCode.Usage, string.Empty), (code, output));
        Assert.StartsWith("ocache: ", error, StringComparison.Ordinal);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.DoesNotContain("Exception", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_json_an_error_is_a_json_object_on_stderr()
    {
        var (code, output, error) = await Ocache.RunAsync("ls", "--json", "--frob");
        Assert.Equal((ExitCode.Usage, string.Empty), (code, output));
        var json = JsonDocument.Parse(error).RootElement.GetProperty("error");
        Assert.Equal(ExitCode.Usage, json.GetProperty("code").GetInt32());
        Assert.Equal("invalid_argument", json.GetProperty("kind").GetString());
        Assert.Contains("--frob", json.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_that_refuses_or_is_silent_is_unreachable_in_bounded_time()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = ((IPEndPoint)silent.LocalEndpoint).Port;
        var refused = Ocache.RunAsync("status", "--cluster", "127.0.0.1:1");
        var unanswered = Ocache.RunAsync("--cluster", $"127.0.0.1:{port}", "ls", "/", "--json");
        var (code, _, error) = await refused;
        Assert.Equal(ExitCode.Unreachable, code);
        Assert.Contains("127.0.0.1:1", error, StringComparison.Ordinal);
        Assert.Contains("--cluster", error, StringComparison.Ordinal);
        (code, _, error) = await unanswered;
        Assert.Equal(ExitCode.Unreachable, code);
        Assert.Equal("unreachable", JsonDocument.Parse(error).RootElement.GetProperty("error").GetProperty("kind").GetString());
    }

    [Fact]
    public async Task A_mount_that_fails_says_why_and_leaves_nothing()
    {
        var folder = Directory.CreateTempSubdirectory("ocache-cli-");
        try
        {
            var log = Path.Combine(folder.FullName, "log");
            var point = folder.CreateSubdirectory("point").FullName;
            var (code, output, error) = await Ocache.RunAsync("--cluster", "127.0.0.1:1", "mount", point, "--log-file", log);
            Assert.Equal((ExitCode.Unreachable, string.Empty), (code, output));
            Assert.Contains("127.0.0.1:1", error, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(point));
            Assert.Empty(Mounting.DaemonProcess.FindAll(point));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Unmounting_what_is_not_mounted_is_not_found()
    {
        var (code, _, error) = await Ocache.RunAsync("unmount", "/nothing/here");
        Assert.Equal(ExitCode.NotFound, code);
        Assert.Contains("/nothing/here", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_while_connecting_ends_it_with_130()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var process = Ocache.Start("--cluster", $"127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}", "status");
        using var accepting = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var connection = await silent.AcceptTcpClientAsync(accepting.Token);
        Assert.Equal(Errno.None, ProcessCalls.Terminate(process.Id));
        await Ocache.EndAsync(process);
        Assert.Equal(ExitCode.Interrupted, process.ExitCode);
        Assert.Equal("ocache: interrupted.\n", await process.StandardError.ReadToEndAsync());
    }
}
