using System.Numerics;
using Microsoft.Win32.SafeHandles;
using OrleansCache.DataPlane.Server;

namespace OrleansCache.Reading;

/// <summary>
/// A leased descriptor and what is known to be resident in its cache file. Knowledge only grows while the lease lives: the silo
/// punches nothing that is leased. Bits stand for granules of 64 KiB, larger for big files so that a map stays near 16 KiB.
/// Thread-safe without locks; disposing during a read makes that read fail over to the slow path.
/// </summary>
internal sealed class LeasedFile : IDisposable
{
    /// <summary>Smallest granule: what the block store checksums.</summary>
    public const int MinGranuleBytes = 64 * 1024;

    private const long MapGranules = 128 * 1024;

    private readonly SafeFileHandle _descriptor;
    private readonly ulong[] _resident;
    private readonly int _granuleShift;
    private readonly long _granules;
    private long _residentGranules;
    private volatile bool _isComplete;

    /// <summary>Takes over the lease's descriptor.</summary>
    public LeasedFile(ResidencyLease lease)
    {
        _descriptor = lease.Descriptor;
        Generation = lease.Generation;
        LengthBytes = lease.LengthBytes;
        BlockSizeBytes = lease.BlockSizeBytes;
        var granule = MinGranuleBytes;
        while (granule < lease.BlockSizeBytes && LengthBytes / granule > MapGranules)
        {
            granule <<= 1;
        }

        _granuleShift = BitOperations.Log2((uint)granule);
        _granules = (LengthBytes + granule - 1) >> _granuleShift;
        _isComplete = lease.IsComplete;
        _resident = lease.IsComplete ? [] : new ulong[(_granules + 63) / 64];
        if (!lease.IsComplete)
        {
            MarkBlocks(lease.ResidentBlocks.Span);
        }
    }

    /// <summary>Names the cache file.</summary>
    public ulong Generation { get; }

    /// <summary>Length of the file version.</summary>
    public long LengthBytes { get; }

    /// <summary>Block size.</summary>
    public int BlockSizeBytes { get; }

    /// <summary>Whether the whole file is resident.</summary>
    public bool IsComplete => _isComplete;

    /// <summary>Bytes of a granule.</summary>
    public int GranuleBytes => 1 << _granuleShift;

    /// <summary>Share of the file known to be resident, in percent, rounded down: 100 only when complete.</summary>
    public int ResidentPercent =>
        _isComplete || _granules == 0 ? 100 : (int)(Interlocked.Read(ref _residentGranules) * 100 / _granules);

    /// <summary>Whether every byte of a range is known to be resident.</summary>
    public bool IsResident(long offsetBytes, long lengthBytes)
    {
        if (_isComplete || lengthBytes == 0)
        {
            return true;
        }

        var last = (offsetBytes + lengthBytes - 1) >> _granuleShift;
        for (var granule = offsetBytes >> _granuleShift; granule <= last; granule++)
        {
            if ((Volatile.Read(ref _resident[granule >> 6]) >> (int)(granule & 63) & 1) == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whole blocks known to be resident.</summary>
    public int CountResidentBlocks()
    {
        var blocks = (int)((LengthBytes + BlockSizeBytes - 1) / BlockSizeBytes);
        var count = 0;
        for (var block = 0; block < blocks; block++)
        {
            var start = (long)block * BlockSizeBytes;
            count += IsResident(start, Math.Min(BlockSizeBytes, LengthBytes - start)) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Notes that a range became resident; granules it covers only partly are not noted.</summary>
    public void MarkResident(long offsetBytes, long lengthBytes)
    {
        if (_isComplete)
        {
            return;
        }

        var end = offsetBytes + lengthBytes;
        var first = (offsetBytes + GranuleBytes - 1) >> _granuleShift;
        var beyond = end >= LengthBytes ? _granules : end >> _granuleShift;
        for (var granule = first; granule < beyond; granule++)
        {
            var bit = 1UL << (int)(granule & 63);
            if ((Interlocked.Or(ref _resident[granule >> 6], bit) & bit) == 0
                && Interlocked.Increment(ref _residentGranules) == _granules)
            {
                _isComplete = true;
            }
        }
    }

    /// <summary>Reads bytes that the caller knows are resident.</summary>
    /// <returns>False when they cannot be had from this descriptor: it is closed, or the disk fails.</returns>
    public bool TryRead(long offsetBytes, Span<byte> destination)
    {
        try
        {
            while (!destination.IsEmpty)
            {
                var read = RandomAccess.Read(_descriptor, destination, offsetBytes);
                if (read == 0)
                {
                    return false;
                }

                destination = destination[read..];
                offsetBytes += read;
            }

            return true;
        }
        catch (Exception error) when (error is ObjectDisposedException or IOException or UnauthorizedAccessException)
        {
            // The caller goes through the silo, which reports what is wrong with the disk.
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private void MarkBlocks(ReadOnlySpan<byte> blocks)
    {
        for (var block = 0; block < blocks.Length * 8; block++)
        {
            var start = (long)block * BlockSizeBytes;
            if (start < LengthBytes && (blocks[block >> 3] >> (block & 7) & 1) != 0)
            {
                MarkResident(start, BlockSizeBytes);
            }
        }
    }
}
