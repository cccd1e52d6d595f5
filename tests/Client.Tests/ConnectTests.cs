using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using OrleansCache.DataPlane;
using OrleansCache.Routing;

namespace OrleansCache.Client.Tests;

/// <summary>Connecting, as far as no silo is needed.</summary>
public sealed class ConnectTests
{
    [Fact]
    public async Task A_host_nobody_knows_is_a_typed_error_and_asking_for_it_can_be_cancelled()
    {
        var options = new CacheClientOptions { Cluster = "no-such-host.invalid:30000" };
        var error = await Assert.ThrowsAsync<ClusterUnreachableException>(() => CacheClient.ConnectAsync(options));
        Assert.Contains("no-such-host.invalid", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CacheClient.ConnectAsync(options, new CancellationToken(true)));
    }

    [Fact]
    public async Task Authorities_that_became_unusable_are_said_in_the_log_of_the_host()
    {
        var folder = Directory.CreateTempSubdirectory("ocache-authorities-");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        try
        {
            var file = Path.Combine(folder.FullName, "ca.pem");
            await File.WriteAllTextAsync(file, Authority());
            listener.Start();
            var log = new Lines();
            await using var connector = new PooledConnector(new CacheClientOptions { TlsCaFile = file }, log);
            await File.WriteAllTextAsync(file, "no certificate");
            var endpoint = new DataEndpoint("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, null);
            var leaving = LeaveAsync(listener);
            for (var attempt = 0; log.Said.IsEmpty && attempt < 30; attempt++)
            {
                await connector.GetAsync(endpoint, CancellationToken.None); // The file is read again when a connection is made.
            }

            Assert.Contains(log.Said, line => line.Contains(file, StringComparison.Ordinal));
            listener.Stop();
            await leaving;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task LeaveAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                (await listener.AcceptTcpClientAsync()).Dispose();
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
        }
    }

    private static string Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return certificate.ExportCertificatePem();
    }

    private sealed class Lines : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<string> Said { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Said.Enqueue(formatter(state, exception));
    }
}
