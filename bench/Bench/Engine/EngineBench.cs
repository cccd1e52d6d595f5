using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace OrleansCache.Bench.Engine;

/// <summary>Grain calls a second between two processes over loopback, beside a raw TCP echo of the same size.</summary>
internal static class EngineBench
{
    /// <summary>About what an echo call is on the wire.</summary>
    internal const int EchoBytes = 64;

    private const int Grains = 64;

    internal static async Task<IReadOnlyList<BenchResult>> RunAsync(int rounds, bool quick, CancellationToken cancellationToken)
    {
        var (gatewayPort, echoPort) = (FreePort(), FreePort());
        using var silo = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!, ["engine-silo", Text(gatewayPort), Text(echoPort)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            await silo.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), cancellationToken)
                .ConfigureAwait(false);
            var builder = Host.CreateApplicationBuilder();
            builder.Logging.SetMinimumLevel(LogLevel.Warning);
            builder.UseOrleansClient(client => client.UseLocalhostClustering(gatewayPort));
            using var host = builder.Build();
            await host.StartAsync(cancellationToken).ConfigureAwait(false);
            var factory = host.Services.GetRequiredService<IClusterClient>();
            var grains = Enumerable.Range(0, Grains).Select(i => factory.GetGrain<IEchoGrain>($"echo-{i}")).ToArray();
            var duration = TimeSpan.FromSeconds(quick ? 0.5 : 3);
            await CallsAsync(grains, 64, TimeSpan.FromSeconds(quick ? 0.5 : 3)).ConfigureAwait(false); // JIT and activations.
            BenchCase[] cases =
            [
                new("1 in flight", "raw TCP echo", "-", "calls/s", _ => Task.FromResult(RawEcho(echoPort, duration))),
                new("1 in flight", "grain call", "-", "calls/s", _ => CallsAsync(grains, 1, duration)),
                new("64 in flight", "grain call", "-", "calls/s", _ => CallsAsync(grains, 64, duration)),
                new("200 in flight", "grain call", "-", "calls/s", _ => CallsAsync(grains, 200, duration)),
            ];
            var results = await InterleavedRounds.RunAsync(cases, rounds, cancellationToken).ConfigureAwait(false);
            await host.StopAsync(cancellationToken).ConfigureAwait(false);
            return results;
        }
        finally
        {
            silo.StandardInput.Close();
            if (!silo.WaitForExit(TimeSpan.FromSeconds(10)))
            {
                silo.Kill();
            }
        }
    }

    private static async Task<double> CallsAsync(IEchoGrain[] grains, int inFlight, TimeSpan duration)
    {
        var clock = Stopwatch.StartNew();
        var counts = await Task.WhenAll(Enumerable.Range(0, inFlight).Select(CallerAsync)).ConfigureAwait(false);
        return counts.Sum() / clock.Elapsed.TotalSeconds;

        async Task<long> CallerAsync(int caller)
        {
            await Task.Yield();
            var grain = grains[caller % grains.Length];
            long calls = 0;
            while (clock.Elapsed < duration)
            {
                if (await grain.Echo(caller).ConfigureAwait(false) != caller)
                {
                    throw new InvalidOperationException("an answer went to the wrong caller");
                }

                calls++;
            }

            return calls;
        }
    }

    private static double RawEcho(int port, TimeSpan duration)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, port);
        var buffer = new byte[EchoBytes];
        var clock = Stopwatch.StartNew();
        long calls = 0;
        while (clock.Elapsed < duration)
        {
            socket.Send(buffer);
            for (var received = 0; received < buffer.Length; received += socket.Receive(buffer, received, buffer.Length - received, 0))
            {
            }

            calls++;
        }

        return calls / clock.Elapsed.TotalSeconds;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
