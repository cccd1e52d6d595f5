using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace OrleansCache.Silo.Tests.Fakes;

/// <summary>A real <c>silo serve</c> process that chose its own ports.</summary>
internal sealed class RunningSilo : IDisposable
{
    /// <summary>Generous: test machines are busy.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private RunningSilo(Process process, string folder) => (_process, Folder) = (process, folder);

    public string Folder { get; }

    public static string Program => Path.Combine(AppContext.BaseDirectory, "silo");

    public Process Process => _process;

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

    /// <summary>endpoints.json.</summary>
    public JsonElement Endpoints { get; private set; }

    public int Port(string name) => Endpoints.GetProperty($"{name}_port").GetInt32();

    public Uri Page(string path) => new($"http://127.0.0.1:{Port("http")}{path}");

    /// <summary>Starts one on <c>folder/data</c> and <c>folder/tier</c> and waits until it is ready.</summary>
    public static async Task<RunningSilo> StartAsync(string folder, params string[] more)
    {
        var endpoints = Path.Combine(folder, "data/endpoints.json");
        if (File.Exists(endpoints))
        {
            File.Delete(endpoints); // Of one that was killed.
        }

        var silo = new RunningSilo(Process.Start(StartInfo([
            "serve", "--data-dir", $"{folder}/data", "--tier", $"nvme={folder}/tier:1GiB",
            "--silo-port", "0", "--gateway-port", "0", "--data-port", "0", "--http-port", "0", .. more]))!, folder);
        silo._process.OutputDataReceived += silo.Keep;
        silo._process.ErrorDataReceived += silo.Keep;
        silo._process.BeginOutputReadLine();
        silo._process.BeginErrorReadLine();
        var since = Stopwatch.StartNew();
        while (!File.Exists(endpoints))
        {
            Assert.False(silo._process.HasExited, $"the silo ended: {silo.Output}");
            Assert.True(since.Elapsed < Patience, $"not ready after {Patience}: {silo.Output}");
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        silo.Endpoints = JsonDocument.Parse(await File.ReadAllBytesAsync(endpoints)).RootElement;
        return silo;
    }

    /// <summary>Runs a silo that is expected to end by itself.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(StartInfo(arguments))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            process.Kill();
            Assert.Fail($"silo {string.Join(' ', arguments)} did not end: {await output} {await errors}");
        }

        return (process.ExitCode, await output, await errors);
    }

    public void Signal(string name)
    {
        using var kill = Process.Start("/bin/kill", [name, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public async Task<int> EndAsync(string signal)
    {
        Signal(signal);
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static ProcessStartInfo StartInfo(params string[] arguments) => new(Program, arguments)
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.AppendLine(line.Data);
        }
    }
}
