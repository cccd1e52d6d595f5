using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Server;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests.Tls;

/// <summary>Whose certificate is believed, and what happens when it changes.</summary>
public sealed class TlsTrustTests : IDisposable
{
    private readonly Authority _authority = new Authority().Issue();

    public void Dispose() => _authority.Dispose();

    private TestServer Serve(TlsCertificateFiles? files = null) => new(_ => new BlockServerOptions
    {
        ClusterId = "test",
        ClusterSecret = TestServer.Secret,
        Certificate = files ?? _authority.Files,
    });

    private static Task<BlockConnection> ConnectAsync(TestServer server, BlockConnectionOptions options) =>
        server.ConnectAsync(overUnix: false, options);

    private BlockConnectionOptions Client(string? serverName = null) => _authority.Client(serverName, TestServer.Secret);

    [Fact]
    public async Task Another_authority_is_not_believed_and_the_server_goes_on()
    {
        await using var server = Serve();
        using var other = new Authority();
        var refused = await Assert.ThrowsAsync<HandshakeRefusedException>(
            () => ConnectAsync(server, other.Client(secret: TestServer.Secret)));
        Assert.Equal(HandshakeRefusal.TlsFailed, refused.Refusal);
        Assert.Contains("--tls-ca", refused.Message, StringComparison.Ordinal);
        await Eventually.Is(() => server.Metrics.RefusedHandshakesTotal == 1, "the server has counted it");

        var system = new BlockConnectionOptions
        {
            ClusterId = "test",
            ClusterSecret = TestServer.Secret,
            Tls = ServerTrust.Load(null, null, NullLogger.Instance, TimeProvider.System),
        };
        await Assert.ThrowsAsync<HandshakeRefusedException>(() => ConnectAsync(server, system));
        await using var good = await ConnectAsync(server, Client());
        Assert.Equal(ReadStatus.Ok, (await good.GetStatusAsync(default).Ends()).Status);
    }

    [Fact]
    public async Task The_certificate_must_have_the_servers_name()
    {
        _authority.Issue("blocks.example.org");
        await using var server = Serve();
        var refused = await Assert.ThrowsAsync<HandshakeRefusedException>(() => ConnectAsync(server, Client()));
        Assert.Equal(HandshakeRefusal.TlsFailed, refused.Refusal);
        await using var named = await ConnectAsync(server, Client("blocks.example.org"));
        Assert.True(named.IsOpen);
    }

    [Fact]
    public async Task Plain_to_TLS_and_TLS_to_plain_are_refused_with_the_reason()
    {
        await using var server = Serve();
        var plain = new BlockConnectionOptions { ClusterId = "test", ClusterSecret = TestServer.Secret };
        var refused = await Assert.ThrowsAsync<HandshakeRefusedException>(() => ConnectAsync(server, plain));
        Assert.Equal(HandshakeRefusal.TlsRequired, refused.Refusal);
        Assert.Contains("--tls-ca", refused.Message, StringComparison.Ordinal);
        await Eventually.Is(() => server.Metrics.RefusedHandshakes(HandshakeRefusal.TlsRequired) == 1, "it is counted");

        await using var plainServer = new TestServer();
        refused = await Assert.ThrowsAsync<HandshakeRefusedException>(() => ConnectAsync(plainServer, _authority.Client()));
        Assert.Equal(HandshakeRefusal.TlsUnexpected, refused.Refusal);
        Assert.Contains("--tls-cert", refused.Message, StringComparison.Ordinal);
        await Eventually.Is(() => plainServer.Metrics.RefusedHandshakes(HandshakeRefusal.TlsUnexpected) == 1, "it is counted");
    }

    [Fact]
    public async Task Somebody_in_between_with_a_trusted_certificate_of_his_own_is_found_out()
    {
        await using var server = Serve();
        using var his = new Authority().Issue();
        var certificate = ServerCertificate.Load(his.Files, NullLogger.Instance, TimeProvider.System).Get();
        using var listener = StreamSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0), 1);
        var relaying = Task.Factory.StartNew(
            () =>
            {
                // Passes every word on, each way.
                using var near = TlsWire.Accept(listener.Accept()!.Value.Socket, certificate, TimeProvider.System);
                using var far = TlsPeer.Connect(server, _authority, [], shakeHands: false);
                var (fromClient, fromServer) = (new HandshakeChannel(near), new HandshakeChannel(far.Wire));
                Assert.True(fromClient.TryReceive(out var hello, out var words) && fromServer.Send(hello.Type, hello.Flags, hello.Status, words));
                Assert.True(fromServer.TryReceive(out var challenge, out words)
                    && fromClient.Send(challenge.Type, challenge.Flags, challenge.Status, words));
                Assert.True(fromClient.TryReceive(out var proof, out words) && fromServer.Send(proof.Type, proof.Flags, proof.Status, words));
                Assert.True(fromServer.TryReceive(out var welcome, out words)
                    && fromClient.Send(welcome.Type, welcome.Flags, welcome.Status, words));
            },
            TaskCreationOptions.LongRunning);

        var endpoint = new DataEndpoint("127.0.0.1", listener.LocalEndPoint.Port, null);
        var refused = await Assert.ThrowsAsync<HandshakeRefusedException>(() => BlockConnection.ConnectAsync(
            endpoint, his.Client(secret: TestServer.Secret), TimeProvider.System, default));

        Assert.Equal(HandshakeRefusal.Proof, refused.Refusal);
        await relaying.WaitAsync(TimeSpan.FromSeconds(15));
        await Eventually.Is(() => server.Metrics.RefusedHandshakes(HandshakeRefusal.Proof) == 1, "the server has found it out, too");
    }

    [Fact]
    public async Task A_rotated_certificate_is_used_without_a_restart_and_a_broken_one_is_not()
    {
        await using var server = Serve();
        await using var before = await ConnectAsync(server, Client());
        var shared = Client("rotated.example.org");
        await Assert.ThrowsAsync<HandshakeRefusedException>(() => ConnectAsync(server, shared));

        _authority.Issue("rotated.example.org");
        await ConnectEventually(server, shared);
        Assert.Equal(ReadStatus.Ok, (await before.GetStatusAsync(default).Ends()).Status);

        File.WriteAllText(_authority.Files.KeyPath, "half a k");
        var start = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(2.5))
        {
            await using var still = await ConnectAsync(server, shared);
            Assert.True(still.IsOpen);
            await Task.Delay(100);
        }
    }

    [Fact]
    public void What_cannot_be_used_is_said_once_and_what_was_there_stays()
    {
        var log = new Lines();
        var time = new Clock();
        var certificates = ServerCertificate.Load(_authority.Files, log, time);
        var first = certificates.Get();
        foreach (var breakIt in new Action[]
        {
            () => File.WriteAllText(_authority.Files.KeyPath, "half a k"),
            () => File.Delete(_authority.Files.KeyPath),
            () => _authority.Issue(end: DateTimeOffset.UtcNow.AddDays(-1)),
            () => File.WriteAllText(_authority.Files.CertificatePath, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
        })
        {
            log.Clear();
            breakIt();
            Assert.Same(first, certificates.Get()); // Not looked at yet.
            for (var round = 0; round < 3; round++)
            {
                time.Advance(TimeSpan.FromSeconds(3));
                Assert.Same(first, certificates.Get());
            }

            Assert.Contains("cannot be used", Assert.Single(log), StringComparison.Ordinal);
        }

        _authority.Issue();
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.NotEqual(first.Binding, certificates.Get().Binding);
    }

    [Fact]
    public async Task An_authority_that_is_rotated_is_believed_from_the_next_connection_on()
    {
        using var next = new Authority("the next authority").Issue();
        await using var server = Serve(next.Files);
        var client = Client();
        await Assert.ThrowsAsync<HandshakeRefusedException>(() => ConnectAsync(server, client));
        File.AppendAllText(_authority.RootPath, "\n" + File.ReadAllText(next.RootPath));
        await ConnectEventually(server, client);
    }

    [Fact]
    public void Certificates_that_cannot_be_used_are_a_sentence()
    {
        var missing = Assert.Throws<DataPlaneListenException>(() => Serve(new TlsCertificateFiles("/no/such.pem", "/no/such.key")));
        Assert.Equal(DataPlaneListenError.Certificate, missing.Error);
        Assert.Contains("/no/such.pem", missing.Message, StringComparison.Ordinal);

        using var other = new Authority().Issue();
        var mixed = Assert.Throws<DataPlaneListenException>(
            () => Serve(new TlsCertificateFiles(_authority.Files.CertificatePath, other.Files.KeyPath)));
        Assert.Contains(other.Files.KeyPath, mixed.Message, StringComparison.Ordinal);

        other.Issue(end: DateTimeOffset.UtcNow.AddDays(-1));
        var ended = Assert.Throws<DataPlaneListenException>(() => Serve(other.Files));
        Assert.Contains("ended", ended.Message, StringComparison.Ordinal);

        File.WriteAllText(_authority.RootPath, "no certificate");
        var none = Assert.Throws<IOException>(() => _authority.Client());
        Assert.Contains(_authority.RootPath, none.Message, StringComparison.Ordinal);
    }

    private static async Task ConnectEventually(TestServer server, BlockConnectionOptions options)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await using var connection = await ConnectAsync(server, options);
                Assert.Equal(ReadStatus.Ok, (await connection.GetStatusAsync(default).Ends()).Status);
                return;
            }
            catch (HandshakeRefusedException) when (TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(20))
            {
                await Task.Delay(100);
            }
        }
    }

    private sealed class Clock : TimeProvider
    {
        private TimeSpan _passed;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _passed.Ticks;

        public void Advance(TimeSpan time) => _passed += time;
    }

    private sealed class Lines : ConcurrentQueue<string>, ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Enqueue(formatter(state, exception));
    }
}
