using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace OrleansCache.LocalCluster;

/// <summary>
/// A real <c>silo serve</c> process on random loopback ports. It keeps its ports and folders over kill and restart.
/// Not thread-safe.
/// </summary>
public sealed class LocalSilo : IAsyncDisposable
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly StringBuilder _output = new();
    private readonly string _capacity;
    private Process? _process;

    private LocalSilo(string folder, string capacity, IReadOnlyDictionary<string, string> environment)
    {
        _environment = environment;
        _capacity = capacity;
        DataFolder = Directory.CreateDirectory(Path.Combine(folder, "silo-data")).FullName;
        TierFolder = Directory.CreateDirectory(Path.Combine(folder, "silo-tier")).FullName;
        var ports = FreePorts(4);
        (SiloPort, GatewayPort, DataPort, HttpPort) = (ports[0], ports[1], ports[2], ports[3]);
    }

    /// <summary>Its data folder.</summary>
    public string DataFolder { get; }

    /// <summary>Its one tier.</summary>
    public string TierFolder { get; }

    /// <summary>Port between silos.</summary>
    public int SiloPort { get; }

    /// <summary>Port of clients: what <c>--cluster</c> names.</summary>
    public int GatewayPort { get; }

    /// <summary>Port of the block server.</summary>
    public int DataPort { get; }

    /// <summary>Port of health and metrics.</summary>
    public int HttpPort { get; }

    /// <summary>What <c>ocache --cluster</c> takes.</summary>
    public string Cluster => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{GatewayPort}");

    /// <summary>Process id of the running silo.</summary>
    public int ProcessId => Running.Id;

    /// <summary>All it has printed, over restarts.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    private Process Running => _process ?? throw new InvalidOperationException("the silo is not running");

    /// <summary>Starts a silo and waits until it is ready.</summary>
    /// <param name="folder">Where its folders go.</param>
    /// <param name="capacity">Capacity of its tier.</param>
    /// <param name="environment">Additional environment: also what only the silo may know, such as <see cref="S3Environment"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<LocalSilo> StartAsync(
        string folder, string capacity = "4GiB", IReadOnlyDictionary<string, string>? environment = null,
        CancellationToken cancellationToken = default)
    {
        var silo = new LocalSilo(folder, capacity, environment ?? new Dictionary<string, string>());
        try
        {
            await silo.RestartAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            return silo;
        }
        catch
        {
            await silo.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The environment that gives a silo the keys of its S3 sources: never arguments, which everybody can read.</summary>
    public static IReadOnlyDictionary<string, string> S3Environment(string accessKey, string secretKey) => new Dictionary<string, string>
    {
        ["AWS_ACCESS_KEY_ID"] = accessKey,
        ["AWS_SECRET_ACCESS_KEY"] = secretKey,
        ["AWS_SESSION_TOKEN"] = string.Empty, // Whoever runs us may have one, of other keys.
    };

    /// <summary>Starts the process again with the same folders and ports, and waits until it is ready.</summary>
    /// <param name="bootId">A simulated boot id, or null for the machine's.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task RestartAsync(string? bootId = null, CancellationToken cancellationToken = default)
    {
        // In a session of its own: Ctrl-C on a terminal is for us, and we end the silo after its readers.
        var start = new ProcessStartInfo("setsid")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        string[] arguments =
        [
            Programs.Silo, "serve", "--data-dir", DataFolder, "--tier", $"nvme={TierFolder}:{_capacity}",
            "--silo-port", Text(SiloPort), "--gateway-port", Text(GatewayPort),
            "--data-port", Text(DataPort), "--http-port", Text(HttpPort),
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in _environment)
        {
            start.Environment[name] = value;
        }

        if (bootId is not null)
        {
            start.Environment["OCACHE_TEST_BOOT_ID"] = bootId;
        }

        _process = Process.Start(start) ?? throw new InvalidOperationException($"cannot start {Programs.Silo}");
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await WaitReadyAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>SIGKILL, as a crash.</summary>
    public async Task KillAsync()
    {
        Running.Kill();
        await Running.WaitForExitAsync().ConfigureAwait(false);
        _process!.Dispose();
        _process = null;
    }

    /// <summary>SIGTERM; waits for the end.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="TimeoutException">It did not end in 20 s; it was killed.</exception>
    public async Task<int> TerminateAsync()
    {
        var process = Running;
        Signal.Terminate(process.Id);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"the silo did not end within 20 s of SIGTERM; it said:\n{Output}");
        }

        var code = process.ExitCode;
        process.Dispose();
        _process = null;
        return code;
    }

    /// <summary>Attaches a folder or a URI with <c>ocache attach</c>.</summary>
    /// <param name="source">The folder of the data, or a URI such as <c>s3://bucket</c>.</param>
    /// <param name="path">Where in the namespace.</param>
    /// <param name="options">Options as <c>name=value</c>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task AttachAsync(
        string source, string path, IEnumerable<string>? options = null, CancellationToken cancellationToken = default)
    {
        var uri = source.Contains("://", StringComparison.Ordinal) ? source : new Uri(source).AbsoluteUri;
        var more = (options ?? []).SelectMany(option => new[] { "--option", option });
        var result = await Command.OcacheAsync(
            this, ["attach", uri, path, .. more], cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        result.Checked($"ocache attach {source}");
    }

    /// <summary>A page of the HTTP port.</summary>
    public Task<string> GetAsync(string path, CancellationToken cancellationToken = default) =>
        Http.GetStringAsync(new Uri($"http://127.0.0.1:{HttpPort}{path}"), cancellationToken);

    /// <summary>Resident memory of the process, in bytes.</summary>
    public long ResidentBytes => ProcessMemory.ResidentBytes(ProcessId);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_process is null)
        {
            return;
        }

        if (_process.HasExited)
        {
            _process.Dispose();
            _process = null;
            return;
        }

        await TerminateAsync().ConfigureAwait(false);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        listeners.ForEach(listener => listener.Start());
        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).ToArray();
        listeners.ForEach(listener => listener.Dispose());
        return ports;
    }

    private async Task WaitReadyAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            if (Running.HasExited)
            {
                throw new InvalidOperationException($"the silo ended with {Running.ExitCode}; it said:\n{Output}");
            }

            try
            {
                using var answer = await Http.GetAsync(new Uri($"http://127.0.0.1:{HttpPort}/readyz"), deadline.Token)
                    .ConfigureAwait(false);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException($"the silo was not ready within 60 s; it said:\n{Output}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.AppendLine(line.Data);
        }
    }
}
