using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests.Load;

/// <summary>
/// Reads and batches of random ranges, most of them given up at a random moment. It looks at every byte that comes, and at its buffer
/// after it has given up: whoever writes there then is the bug.
/// </summary>
/// <param name="connection">Shared with others.</param>
/// <param name="service">The silo.</param>
/// <param name="content">Of all files.</param>
/// <param name="keys">First one whose bytes never come, last one that is missing.</param>
/// <param name="seed">Of its choices.</param>
internal sealed class ImpatientReader(IBlockConnection connection, FakeBlockService service, byte[] content, IReadOnlyList<FileKey> keys, int seed)
{
    private const byte Untouched = 0xCC;
    private const int MaxRanges = 20;

    private readonly Random _random = new(seed);
    private readonly byte[] _buffer = new byte[1 << 20];
    private readonly BatchRead[] _reads = new BatchRead[MaxRanges];
    private int _used;
    private int _count;

    /// <summary>Batches it asked for.</summary>
    public int Batches { get; private set; }

    /// <summary>Bytes that came.</summary>
    public long Bytes { get; private set; }

    /// <summary>Asks and perhaps gives up; whether it did.</summary>
    /// <param name="mayHang">Whether it may ask for what never comes.</param>
    public async Task<bool> GivesUpAsync(bool mayHang)
    {
        CheckUntouched();
        service.IsFull = _random.Next(4) == 0; // Then reads go past the store.
        var isBatch = _random.Next(2) == 0;
        Choose(isBatch ? _random.Next(1, MaxRanges + 1) : 1, isBatch ? 16 : 21);
        var hangs = mayHang && _random.Next(3) == 0;
        if (hangs)
        {
            _reads[_random.Next(_count)].Key = keys[0];
        }

        var isPatient = !mayHang || (!hangs && _random.Next(3) == 0);
        using var cancel = new CancellationTokenSource();
        Batches += isBatch ? 1 : 0;
        var reading = isBatch ? ReadBatchAsync(cancel.Token) : ReadAsync(cancel.Token);
        for (var spins = _random.Next(40); spins > 0; spins--)
        {
            await Task.Yield();
        }

        if (!isPatient)
        {
            await cancel.CancelAsync();
        }

        try
        {
            await reading.WaitAsync(TimeSpan.FromSeconds(60));
            CheckAnswers();
            _used = _count = 0;
            return false;
        }
        catch (OperationCanceledException)
        {
            // Both are its own again.
            _buffer.AsSpan(0, _used).Fill(Untouched);
            _reads.AsSpan(0, _count).Clear();
            return true;
        }
    }

    /// <summary>What was given up has left buffer and answers alone.</summary>
    public void CheckUntouched()
    {
        Assert.True(_buffer.AsSpan(0, _used).IndexOfAnyExcept(Untouched) < 0, $"seed {seed}: a buffer was written after its request had ended");
        Assert.All(_reads[.._count], read => Assert.True(read == default, $"seed {seed}: an answer was written after its batch had ended"));
    }

    private void Choose(int count, int maxLengthBits)
    {
        (_count, _used) = (count, 0);
        for (var index = 0; index < count; index++)
        {
            var length = (1 << _random.Next(4, maxLengthBits)) - _random.Next(16);
            var key = keys[_random.Next(1, keys.Count)];
            _reads[index] = new BatchRead(key, _random.Next(content.Length - length), _buffer.AsMemory(_used, length), null);
            _used += length;
        }
    }

    private async Task ReadBatchAsync(CancellationToken cancellationToken) =>
        Assert.Equal(ReadStatus.Ok, (await connection.ReadBatchAsync(_reads.AsMemory(0, _count), cancellationToken)).Status);

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var outcome = await connection.ReadAsync(_reads[0].Key, _reads[0].OffsetBytes, _reads[0].Destination, cancellationToken);
        _reads[0].Answer = outcome.Status;
    }

    private void CheckAnswers()
    {
        foreach (var read in _reads.AsSpan(0, _count))
        {
            if (read.Key == keys[^1])
            {
                Assert.Equal(ReadStatus.CapabilityRequired, read.Answer);
                continue;
            }

            Tests.Batches.IsRight(read, content);
            Bytes += read.Destination.Length;
        }
    }
}
