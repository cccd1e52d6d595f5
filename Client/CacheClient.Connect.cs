using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Metadata;
using OrleansCache.Routing;

namespace OrleansCache;

/// <summary>Making a client.</summary>
public sealed partial class CacheClient
{
    private static readonly TimeSpan ConnectPause = TimeSpan.FromMilliseconds(200);

    /// <summary>Connects to a cluster.</summary>
    /// <param name="options">Where it is, and the client's bounds.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>A client; dispose it.</returns>
    /// <exception cref="ClusterUnreachableException">No gateway let us in within <see cref="CacheClientOptions.ConnectTimeout"/>.</exception>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static async Task<CacheClient> ConnectAsync(
        CacheClientOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var failures = new ConnectFailures(options);
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        IHost? host = null;
        try
        {
            failures.Start();
            var gateway = await GatewayAddress.ResolveAsync(options.Cluster, both.Token).ConfigureAwait(false);
            host = BuildHost(gateway, options, failures);
            await host.StartAsync(both.Token).WaitAsync(both.Token).ConfigureAwait(false);
            return Make(host.Services, options, host);
        }
        catch (Exception error)
        {
            if (host is not null)
            {
                await DisposeHostAsync(host).ConfigureAwait(false);
            }

            if (error is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                throw failures.GiveUp(null);
            }

            if (GrainCaller.IsTransient(error) || error is System.Net.Sockets.SocketException)
            {
                throw failures.GiveUp(error);
            }

            throw;
        }
    }

    private static IHost BuildHost(IPEndPoint gateway, CacheClientOptions options, ConnectFailures failures)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        if (options.LoggerFactory is { } loggers)
        {
            // The factory stays its owner's: a host that disposes it would silence the rest of the program.
            builder.Services.AddSingleton<ILoggerFactory>(new BorrowedLoggerFactory(loggers));
        }

        // Signals belong to the program, not to a library in it.
        builder.Services.AddSingleton<IHostLifetime, SilentLifetime>();
        builder.UseOrleansClient(client => Configure(client, gateway, options, failures));
        return builder.Build();
    }

    internal static CacheClient Make(IServiceProvider services, CacheClientOptions options, IHost? ownHost)
    {
        var loggers = services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance;
        var core = new ClientCore(
            services.GetRequiredService<IClusterClient>(), new PooledConnector(options, loggers), options, loggers);
        return new CacheClient(options, core, ownHost);
    }

    internal static void Configure(IClientBuilder builder, IPEndPoint gateway, CacheClientOptions options, ConnectFailures failures)
    {
        builder.UseStaticClustering(gateway);
        builder.Configure<Orleans.Configuration.ClusterOptions>(cluster =>
        {
            cluster.ClusterId = options.ClusterId;
            cluster.ServiceId = ClusterIdentity.ServiceId;
        });
        builder.UseConnectionRetryFilter(async (failure, token) =>
        {
            if (failures.Add(failure) + ConnectPause >= options.ConnectTimeout)
            {
                throw failures.GiveUp(failure);
            }

            await Task.Delay(ConnectPause, options.TimeProvider, token).ConfigureAwait(false);
            return true;
        });
    }

    // The engine's client can only be disposed asynchronously.
    private static ValueTask DisposeHostAsync(IHost host)
    {
        if (host is IAsyncDisposable disposable)
        {
            return disposable.DisposeAsync();
        }

        host.Dispose();
        return ValueTask.CompletedTask;
    }

    private sealed class SilentLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class BorrowedLoggerFactory(ILoggerFactory owner) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => owner.CreateLogger(categoryName);

        public void AddProvider(ILoggerProvider provider) => throw new UnreachableException("providers are the owner's");

        public void Dispose()
        {
        }
    }
}
