using System.Runtime.InteropServices;

namespace OrleansCache.BlockStore.Packed;

/// <summary>
/// An array in native memory that grows by chunks and never moves, so that its readers need no lock. Zeroed at first.
/// Freed by the finalizer: whoever can still reach it may still read it.
/// </summary>
internal sealed unsafe class NativeSlab(int recordBytes)
{
    private const int ChunkBits = 14, ChunkRecords = 1 << ChunkBits;

    private readonly Lock _gate = new();
    private nint[] _chunks = [];
    private int _used;

    ~NativeSlab()
    {
        for (var i = 0; i < _used; i++)
        {
            NativeMemory.Free((void*)_chunks[i]);
        }
    }

    /// <summary>How many records there are.</summary>
    public long Count => (long)Volatile.Read(ref _used) << ChunkBits;

    public long NativeBytes => Count * recordBytes;

    public void* At(long index)
    {
        var chunks = Volatile.Read(ref _chunks);
        return (byte*)chunks[index >> ChunkBits] + ((index & (ChunkRecords - 1)) * recordBytes);
    }

    /// <summary>Makes room for so many records.</summary>
    public void Ensure(long count)
    {
        if (count <= Count)
        {
            return;
        }

        lock (_gate)
        {
            while (count > Count)
            {
                if (_used == _chunks.Length)
                {
                    var larger = new nint[Math.Max(16, _used * 2)];
                    _chunks.CopyTo(larger, 0);
                    Volatile.Write(ref _chunks, larger);
                }

                _chunks[_used] = (nint)NativeMemory.AllocZeroed((nuint)ChunkRecords, (nuint)recordBytes);
                Volatile.Write(ref _used, _used + 1);
            }
        }
    }
}
