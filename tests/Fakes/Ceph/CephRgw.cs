using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace OrleansCache.Fakes.Ceph;

/// <summary>
/// A real S3 server: Ceph's object gateway over one monitor and one OSD in memory, on random loopback ports, up in about
/// 3 s (15 s on a busy machine). <c>ceph-rgw.sh</c> runs it and ends it when this process does, also when it is killed;
/// what even that leaves is removed by the next start. Everyone who needs one starts their own; a test assembly shares
/// one among its classes. Needs the Debian packages radosgw, ceph-mon, ceph-osd and ceph-common.
/// </summary>
public sealed class CephRgw : IAsyncDisposable
{
    private const string Prefix = "ocache-rgw-";
    private const int Attempts = 3; // A port may be taken between its choice and its use.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(30);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly Process _supervisor;
    private readonly GatewayLog _log;

    private CephRgw(string folder, int port, Process supervisor)
    {
        (Folder, _supervisor) = (folder, supervisor);
        Endpoint = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        _log = new GatewayLog(Path.Combine(folder, "client.rgw.a.log"));
    }

    /// <summary>Where the gateway listens.</summary>
    public Uri Endpoint { get; }

    /// <summary>Access key of its one user.</summary>
    public string AccessKey { get; private set; } = string.Empty;

    /// <summary>Secret key of its one user.</summary>
    public string SecretKey { get; private set; } = string.Empty;

    /// <summary>Where its logs are while it runs.</summary>
    public string Folder { get; }

    /// <summary>The programs that are missing here, for a message; empty when all are there.</summary>
    public static IReadOnlyList<string> MissingPrograms => [.. ((string[])["radosgw", "ceph-mon", "ceph-osd", "ceph", "setpriv"])
        .Where(program => !((string[])["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"])
            .Any(folder => File.Exists(Path.Combine(folder, program))))];

    /// <summary>Starts one and waits until it answers.</summary>
    /// <exception cref="InvalidOperationException">A program is missing, or the cluster did not start.</exception>
    public static async Task<CephRgw> StartAsync(CancellationToken cancellationToken = default)
    {
        if (MissingPrograms is { Count: > 0 } missing)
        {
            throw new InvalidOperationException(
                $"missing: {string.Join(", ", missing)}. Run: apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common");
        }

        CleanOrphans();
        for (var attempt = 1; ; attempt++)
        {
            var gateway = Launch();
            try
            {
                await gateway.AwaitAsync("ready", StartLimit, cancellationToken).ConfigureAwait(false);
                await gateway.ReadKeysAsync(cancellationToken).ConfigureAwait(false);
                await gateway.ResetRequestsAsync(cancellationToken).ConfigureAwait(false); // It is ours that answers.
                return gateway;
            }
            catch (Exception failure) when (failure is InvalidOperationException or TimeoutException && attempt < Attempts)
            {
                await gateway.DisposeAsync().ConfigureAwait(false);
            }
            catch
            {
                await gateway.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    /// <summary>Every request that had begun when this was called, since the start or the last reset.</summary>
    public async Task<IReadOnlyList<GatewayRequest>> RequestsAsync(CancellationToken cancellationToken = default)
    {
        // The log is written behind the answers: a request of our own marks where all that came before has begun.
        var marker = $"/{GatewayLog.MarkerBucket}/{Guid.NewGuid():N}";
        using (await Http.GetAsync(new Uri(Endpoint, marker), cancellationToken).ConfigureAwait(false))
        {
            return await _log.ReadAsync(marker, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>How many requests fit.</summary>
    public async Task<int> CountAsync(Func<GatewayRequest, bool> fits, CancellationToken cancellationToken = default) =>
        (await RequestsAsync(cancellationToken).ConfigureAwait(false)).Count(fits);

    /// <summary>The same, and forgets them: each request is told once.</summary>
    public async Task<IReadOnlyList<GatewayRequest>> TakeRequestsAsync(CancellationToken cancellationToken = default)
    {
        var requests = await RequestsAsync(cancellationToken).ConfigureAwait(false);
        _log.Reset();
        return requests;
    }

    /// <summary>Forgets the requests so far.</summary>
    public Task ResetRequestsAsync(CancellationToken cancellationToken = default) => TakeRequestsAsync(cancellationToken);

    /// <summary>Kills the gateway; its objects stay. Connections are refused from now on.</summary>
    public Task StopGatewayAsync(CancellationToken cancellationToken = default) => TellAsync("down", cancellationToken);

    /// <summary>Starts the gateway again, on the same port.</summary>
    public Task StartGatewayAsync(CancellationToken cancellationToken = default) => TellAsync("up", cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _supervisor.StandardInput.Close();
        using var limit = new CancellationTokenSource(EndLimit);
        try
        {
            await _supervisor.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _supervisor.Kill(); // Its daemons end with it.
        }

        _supervisor.Dispose();
        Remove(Folder);
    }

    private static CephRgw Launch()
    {
        var folder = Path.Combine(Path.GetTempPath(), string.Create(
            CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}"));
        var ports = FreePorts();

        // In a session of its own: Ctrl-C on a terminal is for us, and the gateway ends after its clients.
        var start = new ProcessStartInfo("setsid") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            "bash", Path.Combine(AppContext.BaseDirectory, "Ceph", "ceph-rgw.sh"), folder,
            ports[0].ToString(CultureInfo.InvariantCulture), ports[1].ToString(CultureInfo.InvariantCulture),
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var supervisor = Process.Start(start) ?? throw new InvalidOperationException("cannot start setsid");
        return new CephRgw(folder, ports[1], supervisor);
    }

    private static int[] FreePorts()
    {
        using var first = new TcpListener(IPAddress.Loopback, 0);
        using var second = new TcpListener(IPAddress.Loopback, 0);
        first.Start();
        second.Start();
        return [((IPEndPoint)first.LocalEndpoint).Port, ((IPEndPoint)second.LocalEndpoint).Port];
    }

    private static void CleanOrphans()
    {
        foreach (var folder in Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            var owner = Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
            if (!int.TryParse(owner, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                || id == Environment.ProcessId || Directory.Exists($"/proc/{id}"))
            {
                continue;
            }

            KillSupervisor(folder);
            Remove(folder);
        }
    }

    private static void KillSupervisor(string folder)
    {
        try
        {
            var id = int.Parse(File.ReadAllText(Path.Combine(folder, "supervisor.pid")), CultureInfo.InvariantCulture);
            if (File.ReadAllText($"/proc/{id}/cmdline").Split('\0').Contains(folder))
            {
                using var supervisor = Process.GetProcessById(id);
                supervisor.Kill();
                supervisor.WaitForExit(EndLimit);
            }
        }
        catch (Exception gone) when (gone is IOException or FormatException or ArgumentException)
        {
            // It ended by itself, as it should.
        }
    }

    private static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // The supervisor removed it.
        }
    }

    private async Task TellAsync(string command, CancellationToken cancellationToken)
    {
        await _supervisor.StandardInput.WriteLineAsync(command.AsMemory(), cancellationToken).ConfigureAwait(false);
        await _supervisor.StandardInput.FlushAsync(cancellationToken).ConfigureAwait(false);
        await AwaitAsync(command, StartLimit, cancellationToken).ConfigureAwait(false);
    }

    private async Task AwaitAsync(string answer, TimeSpan limit, CancellationToken cancellationToken)
    {
        var line = await _supervisor.StandardOutput.ReadLineAsync(cancellationToken).AsTask()
            .WaitAsync(limit, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        if (line == answer)
        {
            return;
        }

        var error = await _supervisor.StandardError.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        throw new InvalidOperationException($"the Ceph gateway in {Folder} said '{line}' instead of '{answer}'. {error}");
    }

    private async Task ReadKeysAsync(CancellationToken cancellationToken)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Folder, "user.json"), cancellationToken).ConfigureAwait(false);
        using var user = JsonDocument.Parse(text);
        var keys = user.RootElement.GetProperty("keys")[0];
        AccessKey = keys.GetProperty("access_key").GetString()!;
        SecretKey = keys.GetProperty("secret_key").GetString()!;
    }
}
