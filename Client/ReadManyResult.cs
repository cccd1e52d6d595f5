using System.Buffers;
using OrleansCache.Metadata;
using OrleansCache.Reading.Batches;

namespace OrleansCache;

/// <summary>
/// One file of many: its bytes or why there are none. Dispose it when the bytes are no longer needed: they are used again for other
/// files. One that is never disposed only costs the garbage collector.
/// </summary>
public sealed class ReadManyResult : IMemoryOwner<byte>
{
    private readonly NodeEntry? _node;
    private readonly int _length;
    private readonly BatchBuffers _buffers;
    private byte[]? _buffer;

    internal ReadManyResult(
        string path, NodeEntry? node, byte[]? buffer, int length, CacheClientException? error, BatchBuffers buffers) =>
        (Path, _node, _buffer, _length, Error, _buffers) = (path, node, buffer, length, error, buffers);

    /// <summary>The path as it was asked for.</summary>
    public string Path { get; }

    /// <summary>The file that was read, links followed; null when nothing was found at the path.</summary>
    public CacheEntry? Entry => _node is null ? null : field ??= CacheEntry.From(_node);

    /// <summary>Why the file was not read; null when it was.</summary>
    public CacheClientException? Error { get; }

    /// <summary>The file's bytes, all of one version.</summary>
    /// <exception cref="CacheClientException"><see cref="Error"/>, when there is one.</exception>
    /// <exception cref="ObjectDisposedException">They were given back.</exception>
    public Memory<byte> Memory
    {
        get
        {
            if (Error is not null)
            {
                throw Error;
            }

            var buffer = Volatile.Read(ref _buffer);
            ObjectDisposedException.ThrowIf(buffer is null, this);
            return buffer.AsMemory(0, _length);
        }
    }

    /// <summary>Gives the bytes back.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { Length: > 0 } buffer)
        {
            _buffers.Return(buffer);
        }
    }
}
