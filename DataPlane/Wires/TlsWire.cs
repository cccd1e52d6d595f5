using System.Buffers;
using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Wires;

/// <summary>
/// TLS 1.3 over a blocking socket, on the threads that would use the socket itself. Files are read and encrypted here, so what
/// sendfile saves is paid. The channel binding is the hash of the server's certificate (RFC 5929, tls-server-end-point):
/// SslStream has no exporter. See docs/design/12-data-plane-security.md.
/// </summary>
internal sealed class TlsWire : IWire
{
    /// <summary>First byte of a TLS handshake.</summary>
    public const byte FirstByteOfTls = 22;

    private const byte FirstByteOfAlert = 21;

    // Eight TLS records: few calls, and small enough to stay in the cache between reading and encrypting.
    private const int FilePieceBytes = 128 * 1024;

    private readonly SocketStream _stream;
    private readonly SslStream _tls;
    private byte[] _binding = [];

    private TlsWire(StreamSocket socket, TimeProvider time)
    {
        Socket = socket;
        _stream = new SocketStream(socket, time);
        _tls = new SslStream(_stream, leaveInnerStreamOpen: true);
    }

    public StreamSocket Socket { get; }

    public ReadOnlySpan<byte> ChannelBinding => _binding;

    public bool MayHaveMore { get; private set; }

    public long PartSince => _stream.PartSince;

    /// <summary>The server's side of the TLS handshake.</summary>
    /// <exception cref="AuthenticationException">The two do not agree, or the peer speaks no TLS.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public static TlsWire Accept(StreamSocket socket, ServerCertificate certificate, TimeProvider time)
    {
        var wire = new TlsWire(socket, time);
        try
        {
            wire._tls.AuthenticateAsServer(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = certificate.Context,
                EnabledSslProtocols = SslProtocols.Tls13,
                AllowRenegotiation = false,
                AllowTlsResume = false, // A resumed session would show the certificate of before a rotation.
            });
            wire._binding = certificate.Binding;
            wire._stream.Taken();
            return wire;
        }
        catch
        {
            wire._tls.Dispose();
            throw;
        }
    }

    /// <summary>The client's side.</summary>
    /// <param name="socket">The socket; stays the caller's when this throws.</param>
    /// <param name="trust">Which certificates are believed.</param>
    /// <param name="host">What the client called the server.</param>
    /// <param name="time">The clock.</param>
    /// <param name="speaksTls">Whether the server's first byte was one of TLS.</param>
    /// <exception cref="AuthenticationException">The certificate is not to be believed, or the peer speaks no TLS.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public static TlsWire Connect(StreamSocket socket, ServerTrust trust, string host, TimeProvider time, out bool speaksTls)
    {
        var wire = new TlsWire(socket, time);
        speaksTls = true;
        try
        {
            wire._tls.AuthenticateAsClient(new SslClientAuthenticationOptions
            {
                TargetHost = trust.ServerName ?? host,
                CertificateChainPolicy = trust.ChainPolicy(),
                EnabledSslProtocols = SslProtocols.Tls13,
                AllowRenegotiation = false,
                AllowTlsResume = false,
            });
            wire._binding = SHA256.HashData(wire._tls.RemoteCertificate!.GetRawCertData());
            return wire;
        }
        catch
        {
            // Here and not in a finally block, which would come after the caller's exception filters.
            speaksTls = wire._stream.FirstByte is -1 or FirstByteOfTls or FirstByteOfAlert;
            wire._tls.Dispose();
            throw;
        }
    }

    public int Receive(Span<byte> buffer, bool mayWait)
    {
        _stream.MayWait = mayWait;
        try
        {
            var received = _tls.Read(buffer);
            MayHaveMore = received == buffer.Length;
            _stream.Taken();
            return received;
        }
        catch (SocketStream.NothingYetException)
        {
            MayHaveMore = false;
            return Failed(Errno.Again);
        }
        catch (Exception exception) when (IsPeers(exception))
        {
            return Failed(Errno.ConnectionAborted);
        }
        finally
        {
            _stream.MayWait = true;
        }
    }

    public int ReceiveFully(Span<byte> buffer)
    {
        var at = 0;
        while (at < buffer.Length)
        {
            var received = Receive(buffer[at..], mayWait: true);
            if (received <= 0)
            {
                return at == 0 ? received : at;
            }

            at += received;
        }

        return at;
    }

    public bool SendAll(ReadOnlySpan<byte> buffer, bool moreFollows)
    {
        try
        {
            _tls.Write(buffer);
            return true;
        }
        catch (Exception exception) when (IsPeers(exception))
        {
            return Failed(Errno.BrokenPipe) == 0;
        }
    }

    public int TrySend(ReadOnlySpan<byte> buffer)
    {
        // A record cannot be sent in part. Where the socket takes any, it takes one of our small frames.
        if (!Socket.HasRoom())
        {
            return Failed(Errno.Again);
        }

        return SendAll(buffer, moreFollows: false) ? buffer.Length : -1;
    }

    public int SendFile(SafeFileHandle file, long fileOffsetBytes, int lengthBytes)
    {
        var piece = ArrayPool<byte>.Shared.Rent(FilePieceBytes);
        try
        {
            var read = RandomAccess.Read(file, piece.AsSpan(0, Math.Min(lengthBytes, FilePieceBytes)), fileOffsetBytes);
            return read == 0 || SendAll(piece.AsSpan(0, read), moreFollows: true) ? read : -1;
        }
        catch (IOException)
        {
            // The file's, for SendAll throws nothing: the caller counts it as it does a file that is too short.
            return 0;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    public void Dispose()
    {
        _tls.Dispose();
        Socket.Dispose();
    }

    private static bool IsPeers(Exception exception) =>
        exception is IOException or InvalidOperationException or AuthenticationException or CryptographicException;

    private static int Failed(Errno errno)
    {
        Marshal.SetLastPInvokeError((int)errno);
        return -1;
    }
}
