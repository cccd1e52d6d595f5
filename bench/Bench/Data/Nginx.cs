using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using OrleansCache.LocalCluster;

namespace OrleansCache.Bench.Data;

/// <summary>nginx with sendfile on a loopback port: the yardstick of the data plane.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private const string Program = "/usr/sbin/nginx";
    private readonly Process _process;

    private Nginx(Process process, int port) => (_process, Port) = (process, port);

    /// <summary>Where it listens.</summary>
    internal int Port { get; }

    /// <summary>CPU seconds of its workers so far.</summary>
    internal double CpuSeconds => Children().Sum(S3.ProcessCpu.Seconds);

    /// <summary>Serves a folder; logs nothing, and never closes a connection by itself.</summary>
    internal static async Task<Nginx> StartAsync(string root, string scratch, CancellationToken cancellationToken)
    {
        if (!File.Exists(Program))
        {
            throw new InvalidOperationException("nginx is missing: ./dev bench installs it, or apt-get install nginx-light");
        }

        var port = FreePort();
        var configuration = Path.Combine(scratch, "nginx.conf");
        await File.WriteAllTextAsync(configuration, string.Create(CultureInfo.InvariantCulture, $$"""
            user root;
            daemon off;
            worker_processes 2;
            pid {{scratch}}/nginx.pid;
            error_log stderr error;
            events { worker_connections 1024; }
            http {
                access_log off;
                sendfile on;
                sendfile_max_chunk 2m;
                tcp_nopush on;
                tcp_nodelay on;
                keepalive_timeout 600s;
                keepalive_requests 1000000000;
                open_file_cache max=100;
                client_body_temp_path {{scratch}}/body;
                proxy_temp_path {{scratch}}/proxy;
                fastcgi_temp_path {{scratch}}/fastcgi;
                uwsgi_temp_path {{scratch}}/uwsgi;
                scgi_temp_path {{scratch}}/scgi;
                server { listen 127.0.0.1:{{port}}; root {{root}}; }
            }
            """), cancellationToken).ConfigureAwait(false);
        var process = Process.Start(new ProcessStartInfo(Program, ["-c", configuration, "-p", scratch]))!;
        var nginx = new Nginx(process, port);
        try
        {
            await nginx.WaitAsync(cancellationToken).ConfigureAwait(false);
            return nginx;
        }
        catch
        {
            await nginx.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await Command.RunAsync("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]).ConfigureAwait(false);
            await _process.WaitForExitAsync().ConfigureAwait(false);
        }

        _process.Dispose();
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        for (var tries = 0; tries < 100; tries++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, Port, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (SocketException) when (!_process.HasExited)
            {
                await Task.Delay(50, cancellationToken).ConfigureAwait(false);
            }
        }

        throw new InvalidOperationException("nginx does not answer");
    }

    private IEnumerable<int> Children() =>
        File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{_process.Id}/task/{_process.Id}/children"))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture));

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
