using OrleansCache.Metadata;

namespace OrleansCache.Reading.Batches;

/// <summary>
/// One path of many on its way: looked up, given memory, read, handed over. Belongs to whoever works on it at the moment (the pump, then
/// its batch, then the consumer); completing it is the hand-over.
/// </summary>
internal sealed class BatchSlot(string path, Task<NodeEntry> lookup, BatchBuffers buffers)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CacheClientException? _error;
    private byte[]? _buffer;

    public string Path { get; } = path;

    public Task<NodeEntry> Lookup { get; } = lookup;

    /// <summary>The file, once it is known.</summary>
    public NodeEntry? Node { get; private set; }

    /// <summary>Where its bytes go.</summary>
    public Memory<byte> Memory { get; private set; }

    /// <summary>What it holds of the budget.</summary>
    public long HeldBytes { get; set; }

    /// <summary>Ends when it can be handed over.</summary>
    public Task Done => _done.Task;

    /// <summary>Gives it memory for a file, instead of what it had.</summary>
    public void Rent(NodeEntry node)
    {
        ReturnBuffer();
        var length = checked((int)node.LengthBytes);
        Node = node;
        _buffer = length == 0 ? [] : buffers.Rent(length);
        Memory = _buffer.AsMemory(0, length);
    }

    public void Complete() => _done.TrySetResult();

    public void Fail(CacheClientException error)
    {
        ReturnBuffer();
        _error = error;
        _done.TrySetResult();
    }

    /// <summary>What nobody expected, or the caller's cancellation: ends the whole reading. Its memory stays until it is dropped.</summary>
    public void Fault(Exception error) => _done.TrySetException(error);

    /// <summary>Hands the bytes over: they are the caller's now.</summary>
    public ReadManyResult Take()
    {
        var (buffer, length) = (_buffer, Memory.Length);
        (_buffer, Memory) = (null, default);
        return new ReadManyResult(Path, Node, buffer, length, _error, buffers);
    }

    /// <summary>Gives the bytes back: nobody wants them. Nothing may write to them any more.</summary>
    public void Drop()
    {
        ReturnBuffer();
        _ = _done.Task.Exception; // Seen: another slot's ended the reading.
    }

    private void ReturnBuffer()
    {
        if (_buffer is { Length: > 0 } buffer)
        {
            buffers.Return(buffer);
        }

        (_buffer, Memory) = (null, default);
    }
}
