using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Wires;

/// <summary>
/// A blocking socket as the stream below TLS. A receive that would wait longer than it may is an exception that leaves TLS as it
/// was: the next read goes on where this one ended.
/// </summary>
internal sealed class SocketStream(StreamSocket socket, TimeProvider time) : Stream
{
    private long _partSince;

    /// <summary>Whether a read may wait; else it takes what is there.</summary>
    public bool MayWait { get; set; } = true;

    /// <summary>The first byte ever received, or -1: tells TLS from what is none.</summary>
    public int FirstByte { get; private set; } = -1;

    /// <summary>When the first byte came since <see cref="Taken"/>; 0 = none has.</summary>
    public long PartSince => Volatile.Read(ref _partSince);

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        var received = MayWait ? socket.Receive(buffer) : socket.TryReceive(buffer);
        if (received < 0)
        {
            throw StreamSocket.LastErrno == Errno.Again
                ? new NothingYetException()
                : new IOException($"receive: {StreamSocket.LastErrno}");
        }

        if (received > 0)
        {
            FirstByte = FirstByte < 0 ? buffer[0] : FirstByte;
            if (_partSince == 0)
            {
                Volatile.Write(ref _partSince, time.GetTimestamp());
            }
        }

        return received;
    }

    /// <summary>What was received has been handed out.</summary>
    public void Taken() => Volatile.Write(ref _partSince, 0);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!socket.SendAll(buffer))
        {
            throw new IOException($"send: {StreamSocket.LastErrno}");
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>No byte came in time.</summary>
    internal sealed class NothingYetException : IOException;
}
