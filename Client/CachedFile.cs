using System.Diagnostics.CodeAnalysis;
using OrleansCache.Files;
using OrleansCache.Reading;

namespace OrleansCache;

/// <summary>
/// One version of a file, open for reading: a seekable stream, and random access that several threads may use at once. What it
/// reads is wholly the version that was opened, or an error. Stream members share one position and are for one thread.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "it is a file first; being a stream is how one reads it")]
public sealed class CachedFile : Stream
{
    private readonly IFileReader _reader;
    private long _position;

    internal CachedFile(IFileReader reader, CacheEntry entry)
    {
        _reader = reader;
        Entry = entry;
    }

    /// <summary>The file as it was opened.</summary>
    public CacheEntry Entry { get; }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => true;

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
    /// <exception cref="CacheTimeoutException">No silo had the bytes within the client's read timeout.</exception>
    public ValueTask<int> ReadAsync(
        long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        return _reader.TryRead(offsetBytes, destination.Span, out var bytes)
            ? new(bytes)
            : WaitAsync(offsetBytes, destination, cancellationToken);
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var bytes = await ReadAsync(_position, buffer, cancellationToken).ConfigureAwait(false);
        _position += bytes;
        return bytes;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Not supported: a read may wait for a silo, and waiting must not block a thread.</summary>
    /// <exception cref="NotSupportedException">Unless the bytes are at hand.</exception>
    public override int Read(byte[] buffer, int offset, int count)
    {
        if (!_reader.TryRead(_position, buffer.AsSpan(offset, count), out var bytes))
        {
            throw new NotSupportedException($"{Entry.Path}: the bytes are not at hand; use ReadAsync, which waits for them");
        }

        _position += bytes;
        return bytes;
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
            _reader.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> WaitAsync(long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var outcome = await _reader.ReadAsync(offsetBytes, destination, cancellationToken).ConfigureAwait(false);
        return outcome.Status == ReadStatus.Ok
            ? outcome.Bytes
            : throw CacheClientException.From(outcome.Status, Entry.Path, "reading");
    }
}
