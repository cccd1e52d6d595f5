using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Reading;
using OrleansCache.Telemetry;

namespace OrleansCache;

/// <summary>
/// One version of a file, open for reading: a seekable stream, and random access
/// (<see cref="ReadAsync(long, Memory{byte}, CancellationToken)"/>) that several threads may use at once. What it reads is wholly
/// the version that was opened, or an error. Stream members share one position and are for one thread.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "it is a file first; being a stream is how one reads it")]
public sealed class CachedFile : Stream
{
    // As large as a silo sends at once: of a smaller buffer a cold copy would be all round trips.
    private const int CopyBufferBytes = 1 << 20;

    private readonly IFileReader _reader;
    private long _position;
    private volatile bool _isDisposed;

    internal CachedFile(IFileReader reader, CacheEntry entry)
    {
        _reader = reader;
        Entry = entry;
    }

    /// <summary>The file as it was opened.</summary>
    public CacheEntry Entry { get; }

    /// <inheritdoc/>
    public override bool CanRead => !_isDisposed;

    /// <inheritdoc/>
    public override bool CanSeek => !_isDisposed;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => _reader.LengthBytes;

    /// <inheritdoc/>
    public override long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    /// <summary>Reads a range; thread-safe.</summary>
    /// <param name="offsetBytes">Start; at or after the end reads nothing.</param>
    /// <param name="destination">Filled from its start.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Bytes read: fewer than asked only at the end of the file.</returns>
    /// <exception cref="StaleFileException">The version is gone and not cached.</exception>
    /// <exception cref="ClusterUnreachableException">No silo answered within the client's read timeout.</exception>
    /// <exception cref="CacheTimeoutException">A silo had not brought the bytes by then.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public ValueTask<int> ReadAsync(
        long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken)
            : _reader.TryRead(offsetBytes, destination.Span, out var bytes) ? new(bytes)
            : WaitAsync(offsetBytes, destination, cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var reading = ReadAsync(_position, buffer, cancellationToken);
        if (!reading.IsCompletedSuccessfully)
        {
            return AdvanceAsync(reading);
        }

        var bytes = reading.Result;
        _position += bytes;
        return new(bytes);
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override IAsyncResult BeginRead(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(ReadAsync(buffer, offset, count, CancellationToken.None), callback, state);

    /// <inheritdoc/>
    public override int EndRead(IAsyncResult asyncResult) => TaskToAsyncResult.End<int>(asyncResult);

    /// <summary>
    /// Reads from the position on; waits for what is not at hand, on the calling thread and no longer than the client's read timeout.
    /// Woken by the silo's answer itself: however many threads wait like this, they need none of the thread pool, except to find the
    /// silo anew and to renew the right to read. <c>ReadAsync</c> holds no thread while it waits.
    /// </summary>
    /// <exception cref="StaleFileException">The version is gone and not cached.</exception>
    /// <exception cref="ClusterUnreachableException">No silo answered within the client's read timeout.</exception>
    /// <exception cref="CacheTimeoutException">A silo had not brought the bytes by then.</exception>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return TryRead(buffer.AsSpan(offset, count), out var bytes) ? bytes : Wait(buffer.AsMemory(offset, count));
    }

    /// <inheritdoc cref="Read(byte[], int, int)"/>
    public override int Read(Span<byte> buffer) => TryRead(buffer, out var bytes) ? bytes : ReadInPieces(buffer);

    /// <inheritdoc cref="Read(byte[], int, int)"/>
    public override int ReadByte()
    {
        Span<byte> one = stackalloc byte[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    /// <inheritdoc/>
    public override void CopyTo(Stream destination, int bufferSize)
    {
        ValidateCopyToArguments(destination, bufferSize);
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        int bytes;
        while ((bytes = Read(buffer, 0, buffer.Length)) > 0)
        {
            destination.Write(buffer, 0, bytes);
        }

        ArrayPool<byte>.Shared.Return(buffer); // Not after a failure: a thread that was interrupted may have left a read behind.
    }

    /// <inheritdoc/>
    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ValidateCopyToArguments(destination, bufferSize);
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            int bytes;
            while ((bytes = await ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                await destination.WriteAsync(buffer.AsMemory(0, bytes), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin)
    {
        Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _position + offset,
            _ => Length + offset,
        };
        return _position;
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <summary>Not supported: the stream is read-only.</summary>
    public override void SetLength(long value) => throw new NotSupportedException("a cached file is read-only");

    /// <summary>Not supported: the stream is read-only.</summary>
    public override void Write(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("a cached file is read-only");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _isDisposed = true;
            _reader.Dispose();
        }

        base.Dispose(disposing);
    }

    private int CopyBytes => (int)Math.Clamp(Length - _position, 1, CopyBufferBytes);

    private bool TryRead(Span<byte> buffer, out int bytes)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var isAtHand = _reader.TryRead(_position, buffer, out bytes);
        _position += bytes;
        return isAtHand;
    }

    // A span cannot be given to the receiving thread: the bytes come to an array first.
    private int ReadInPieces(Span<byte> buffer)
    {
        var start = _position;
        var wanted = (int)Math.Min(buffer.Length, Length - start);
        var piece = ArrayPool<byte>.Shared.Rent(Math.Min(wanted, CopyBufferBytes));
        var done = 0;
        try
        {
            while (done < wanted && Read(piece, 0, Math.Min(piece.Length, wanted - done)) is > 0 and var bytes)
            {
                piece.AsSpan(0, bytes).CopyTo(buffer[done..]);
                done += bytes;
            }
        }
        catch
        {
            _position = start; // The caller got nothing: whoever tries again must not miss the pieces that came.
            throw;
        }

        ArrayPool<byte>.Shared.Return(piece); // As in CopyTo.
        return done;
    }

    private int Wait(Memory<byte> buffer)
    {
        var bytes = SynchronousCaller.Run(
            (File: this, Buffer: buffer), static read => read.File.WaitAsync(read.File._position, read.Buffer, CancellationToken.None));
        _position += bytes;
        return bytes;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> AdvanceAsync(ValueTask<int> reading)
    {
        var bytes = await reading.ConfigureAwait(false);
        _position += bytes;
        return bytes;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> WaitAsync(long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        using var activity = ClientActivities.Start(ClientActivities.Read, Entry.Path)?.SetTag(ClientActivities.OffsetTag, offsetBytes);
        try
        {
            var outcome = await _reader.ReadAsync(offsetBytes, destination, cancellationToken).ConfigureAwait(false);
            activity?.SetTag(ClientActivities.BytesTag, outcome.Bytes);
            return outcome.Status == ReadStatus.Ok
                ? outcome.Bytes
                : throw CacheClientException.From(outcome.Status, Entry.Path, "reading", outcome.Effort);
        }
        catch (Exception error) when (activity.Failed(error))
        {
            throw;
        }
    }
}
