using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;

namespace OrleansCache.Orleans.Lite.Tests;

/// <summary>Silos and clients as hosts of this process, connected by real sockets.</summary>
internal static class TestHost
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public static async Task<IHost> SiloAsync(int gatewayPort, Action<ISiloBuilder>? configure = null)
    {
        var builder = NewBuilder();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(siloPort: gatewayPort == 0 ? 1 : gatewayPort, gatewayPort: gatewayPort);
            silo.Configure<ManifestOptions>(options => options.Includes = type => type.Namespace?.EndsWith(
                ".Bad", StringComparison.Ordinal) != true);
            configure?.Invoke(silo);
        });
        return await StartAsync(builder);
    }

    public static async Task<IHost> ClientAsync(int gatewayPort, Action<IClientBuilder>? configure = null)
    {
        var builder = NewBuilder();
        builder.UseOrleansClient(client =>
        {
            client.UseLocalhostClustering(gatewayPort);
            client.Configure<ManifestOptions>(options => options.Includes = type => type.Namespace?.EndsWith(
                ".Bad", StringComparison.Ordinal) != true);
            configure?.Invoke(client);
        });
        return await StartAsync(builder);
    }

    public static IGrainFactory Grains(this IHost host) => host.Services.GetRequiredService<IClusterClient>();

    public static async Task StopAndDisposeAsync(this IHost host)
    {
        await host.StopAsync().WaitAsync(Patience);
        host.Dispose();
    }

    /// <summary>Waits for a condition, not for luck: fails with the words given.</summary>
    public static async Task Until(Func<bool> condition, string what)
    {
        var deadline = DateTime.UtcNow + Patience;
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, $"not within {Patience}: {what}");
            await Task.Delay(10);
        }
    }

    private static HostApplicationBuilder NewBuilder()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddProvider(new TestLog());
        return builder;
    }

    private static async Task<IHost> StartAsync(HostApplicationBuilder builder)
    {
        var host = builder.Build();
        try
        {
            await host.StartAsync().WaitAsync(Patience);
            return host;
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }
}

/// <summary>Keeps what was logged, for tests that expect a reason to be told.</summary>
internal sealed class TestLog : ILoggerProvider
{
    public static readonly System.Collections.Concurrent.ConcurrentQueue<string> Lines = new();

    public ILogger CreateLogger(string categoryName) => new Logger();

    public void Dispose()
    {
    }

    private sealed class Logger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (Lines.Count < 10_000)
            {
                Lines.Enqueue(formatter(state, exception));
            }
        }
    }
}

/// <summary>One silo and one TCP client for the tests of a class.</summary>
public sealed class ClusterFixture : IAsyncLifetime
{
    internal IHost Silo { get; private set; } = null!;

    internal IHost Client { get; private set; } = null!;

    /// <summary>"tcp" goes through the gateway, "silo" is the co-hosted client.</summary>
    internal IGrainFactory From(string side) => side == "tcp" ? Client.Grains() : Silo.Grains();

    public async Task InitializeAsync()
    {
        var port = TestHost.FreePort();
        Silo = await TestHost.SiloAsync(port, silo => silo
            .Configure<GrainCollectionOptions>(options => options.CollectionQuantum = TimeSpan.FromMilliseconds(50))
            .ConfigureServices(TestStorage.Register));
        Client = await TestHost.ClientAsync(port);
    }

    public async Task DisposeAsync()
    {
        await Client.StopAndDisposeAsync();
        await Silo.StopAndDisposeAsync();
    }
}
