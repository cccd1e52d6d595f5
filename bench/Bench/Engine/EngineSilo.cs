using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace OrleansCache.Bench.Engine;

/// <summary>The other process of the engine benchmark: a bare silo, and a raw TCP echo as the reference.</summary>
internal static class EngineSilo
{
    internal static async Task<int> RunAsync(int gatewayPort, int echoPort)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.UseOrleans(silo => silo.UseLocalhostClustering(siloPort: gatewayPort + 1, gatewayPort: gatewayPort));
        using var host = builder.Build();
        await host.StartAsync().ConfigureAwait(false);
        using var listener = new TcpListener(IPAddress.Loopback, echoPort);
        listener.Start();
        Console.WriteLine("ready");
        var echo = new Thread(() => EchoForever(listener)) { IsBackground = true };
        echo.Start();
        await Console.In.ReadLineAsync().ConfigureAwait(false); // The parent closes our input when it is done, or dies.
        await host.StopAsync().ConfigureAwait(false);
        return 0;
    }

    private static void EchoForever(TcpListener listener)
    {
        var buffer = new byte[EngineBench.EchoBytes];
        while (true)
        {
            using var socket = listener.AcceptSocket();
            socket.NoDelay = true;
            int received;
            while ((received = socket.Receive(buffer)) > 0)
            {
                socket.Send(buffer.AsSpan(0, received));
            }
        }
    }
}
