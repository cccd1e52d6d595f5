using System.Globalization;
using System.Net;
using System.Text;
using OrleansCache.Linux;

namespace OrleansCache.Bench.Data;

/// <summary>
/// The leanest client nginx can have: a blocking socket, one request at a time, the body received straight into the caller's
/// buffer. An HTTP library would make nginx look slow.
/// </summary>
internal sealed class HttpRangeReader : IDisposable
{
    private const int HeadBytes = 4096;

    private readonly StreamSocket _socket;
    private readonly byte[] _head = new byte[HeadBytes];
    private readonly string _path;

    internal HttpRangeReader(int port, string path)
    {
        _socket = StreamSocket.Connect(new IPEndPoint(IPAddress.Loopback, port), TimeSpan.FromSeconds(3), out var errno)
            ?? throw new InvalidOperationException($"cannot connect to nginx: {errno}");
        _socket.TuneTcp();
        _path = path;
    }

    /// <summary>Reads a range into the buffer, wholly.</summary>
    internal void Read(long offsetBytes, Span<byte> destination)
    {
        Span<byte> request = stackalloc byte[256];
        if (!Encoding.UTF8.TryGetBytes(
            string.Create(
                CultureInfo.InvariantCulture,
                $"GET {_path} HTTP/1.1\r\nHost: x\r\nRange: bytes={offsetBytes}-{offsetBytes + destination.Length - 1}\r\n\r\n"),
            request, out var length) || !_socket.SendAll(request[..length]))
        {
            throw new InvalidOperationException("nginx took no request");
        }

        var (received, end) = (0, -1);
        while (end < 0)
        {
            var count = _socket.Receive(_head.AsSpan(received));
            if (count <= 0)
            {
                throw new InvalidOperationException("nginx closed the connection");
            }

            received += count;
            end = _head.AsSpan(0, received).IndexOf("\r\n\r\n"u8);
        }

        if (!_head.AsSpan().StartsWith("HTTP/1.1 206 "u8))
        {
            throw new InvalidOperationException("nginx gave no range");
        }

        var body = _head.AsSpan(end + 4, received - end - 4);
        body.CopyTo(destination);
        if (_socket.ReceiveFully(destination[body.Length..]) != destination.Length - body.Length)
        {
            throw new InvalidOperationException("nginx closed the connection in mid-answer");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
