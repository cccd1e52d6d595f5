using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Microsoft.Extensions.ObjectPool;
using OrleansCache.BlockStore;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;
using OrleansCache.Silo.Filling;
using OrleansCache.Silo.Telemetry;
using ResidencyLease = OrleansCache.DataPlane.Server.ResidencyLease;

namespace OrleansCache.Silo.Serving;

/// <summary>
/// What the block server asks, answered from the capability table and the block store, and from the fill pipeline for what
/// is missing. Rights first: no method says anything about a key whose capability was not presented or has expired.
/// Resident ranges are answered synchronously without allocating. Thread-safe.
/// </summary>
internal sealed class BlockService : IBlockService
{
    /// <summary>Pins kept for reuse: more than the sends that run at the same time on any machine we know.</summary>
    private const int PooledPinsMax = 4096;

    /// <summary>A report cannot claim more than this: one client's lie or overflow must not spoil the sums.</summary>
    private const long ReportedMax = 1L << 40;

    private readonly IBlockStore _store;
    private readonly FillPipeline _pipeline;
    private readonly CapabilityTable _capabilities;
    private readonly SourceStatistics _statistics;
    private readonly FillOptions _options;
    private readonly byte[] _sealingKey;
    private readonly TimeProvider _time;
    private readonly Func<byte[]> _status;
    private readonly ObjectPool<PinHolder> _pins =
        new DefaultObjectPool<PinHolder>(new DefaultPooledObjectPolicy<PinHolder>(), PooledPinsMax);
    private ulong _ringEpoch;

    public BlockService(
        IBlockStore store, FillPipeline pipeline, CapabilityTable capabilities, SourceStatistics statistics,
        FillOptions options, ReadOnlySpan<byte> sealingKey, TimeProvider time, Func<byte[]> status)
    {
        _store = store;
        _pipeline = pipeline;
        _capabilities = capabilities;
        _statistics = statistics;
        _options = options;
        _sealingKey = sealingKey.ToArray();
        _time = time;
        _status = status;
    }

    /// <inheritdoc/>
    public ulong RingEpoch => Volatile.Read(ref _ringEpoch);

    /// <summary>The silo has seen its group at this epoch.</summary>
    public void OnRingEpoch(long epoch) => Volatile.Write(ref _ringEpoch, (ulong)epoch);

    /// <inheritdoc/>
    public ReadStatus Present(ReadCapability capability)
    {
        if (!capability.IsValid(_sealingKey, _time.GetUtcNow()))
        {
            return ReadStatus.CapabilityRefused;
        }

        _capabilities.Put(capability, _statistics.Of(capability.Source));
        return ReadStatus.Ok;
    }

    /// <inheritdoc/>
    public ValueTask<ResidencyOutcome> EnsureAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        EnsureAsync(key, offsetBytes, lengthBytes, isNewRead: true, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ResidencyOutcome> EnsureMoreAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        EnsureAsync(key, offsetBytes, lengthBytes, isNewRead: false, cancellationToken);

    private ValueTask<ResidencyOutcome> EnsureAsync(
        FileKey key, long offsetBytes, long lengthBytes, bool isNewRead, CancellationToken cancellationToken)
    {
        if (!TryGetRight(key, out var entry))
        {
            return new(new ResidencyOutcome(ReadStatus.CapabilityRequired, 0, 0, false));
        }

        var capability = entry.Capability;
        var fileLength = capability.Version.LengthBytes;
        if (offsetBytes < 0 || lengthBytes <= 0 || offsetBytes >= fileLength)
        {
            return new(new ResidencyOutcome(ReadStatus.InvalidRequest, 0, 0, false));
        }

        var wanted = Math.Min(lengthBytes, fileLength - offsetBytes);
        var residency = _store.GetResidency(key);
        var available = ResidentBytes(residency, capability.Layout, offsetBytes, wanted);
        if (available == 0)
        {
            return MissAsync(entry, offsetBytes, wanted, isNewRead, cancellationToken);
        }

        _store.Touch(key);
        if (isNewRead)
        {
            entry.Counters.AddHits(1, available);
        }

        return new(new ResidencyOutcome(ReadStatus.Ok, (ulong)residency.Generation, available, true));
    }

    /// <inheritdoc/>
    public void Prefetch(FileKey key, long offsetBytes, long lengthBytes)
    {
        if (!TryGetRight(key, out var entry))
        {
            return;
        }

        var fileLength = entry.Capability.Version.LengthBytes;
        if (offsetBytes < 0 || lengthBytes <= 0 || offsetBytes >= fileLength)
        {
            return;
        }

        var layout = entry.Capability.Layout;
        var last = layout.IndexOf(offsetBytes + Math.Min(lengthBytes, fileLength - offsetBytes) - 1);
        PrefetchBlocks(entry.Capability, layout.IndexOf(offsetBytes), last, int.MaxValue);
    }

    /// <inheritdoc/>
    public ReadStatus TryLease(FileKey key, out ResidencyLease? lease)
    {
        lease = null;
        if (!TryGetRight(key, out _))
        {
            return ReadStatus.CapabilityRequired;
        }

        var status = _store.TryLease(key, out var stored);
        if (status != LeaseStatus.Leased)
        {
            return status switch
            {
                LeaseStatus.Missing => ReadStatus.NotFound,
                LeaseStatus.Packed => ReadStatus.NotSupported,
                _ => ReadStatus.Unavailable,
            };
        }

        _store.Touch(key);
        var residency = stored!.Residency;
        var bitmap = residency.IsComplete
            ? []
            : MemoryMarshal.AsBytes(residency.Bitmap)[..((residency.BlockCount + 7) / 8)].ToArray();

        // The descriptor passes on to the new lease; the store's object is only a shell around it.
        lease = new ResidencyLease(
            stored.Handle, (ulong)stored.Generation, residency.FileLengthBytes, residency.BlockSizeBytes, bitmap,
            residency.IsComplete);
        return ReadStatus.Ok;
    }

    /// <inheritdoc/>
    public ReadStatus TryPin(FileKey key, long offsetBytes, int lengthBytes, out PinnedRange pin)
    {
        pin = default;
        if (!TryGetRight(key, out var entry))
        {
            return ReadStatus.CapabilityRequired;
        }

        var capability = entry.Capability;
        if (offsetBytes < 0 || lengthBytes <= 0 || offsetBytes > capability.Version.LengthBytes - lengthBytes)
        {
            return ReadStatus.NotFound;
        }

        if (_store.TryPin(key, offsetBytes, lengthBytes, out var stored) != PinStatus.Pinned
            && !TryPinArriving(capability, offsetBytes, lengthBytes, out stored))
        {
            return ReadStatus.NotFound;
        }

        pin = PinHolder.Wrap(_pins, stored);
        return ReadStatus.Ok;
    }

    /// <inheritdoc/>
    public void OnUnreadable(FileKey key, long offsetBytes, int lengthBytes) => _store.Doubt(key, offsetBytes, lengthBytes);

    /// <inheritdoc/>
    public ValueTask<ReadStatus> ReadThroughAsync(
        FileKey key, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (!TryGetRight(key, out var entry))
        {
            return new(ReadStatus.CapabilityRequired);
        }

        if (offsetBytes < 0 || offsetBytes > entry.Capability.Version.LengthBytes - destination.Length)
        {
            return new(ReadStatus.InvalidRequest);
        }

        return destination.Length == 0
            ? new(ReadStatus.Ok)
            : _pipeline.ReadThroughAsync(entry.Capability, offsetBytes, destination, cancellationToken);
    }

    /// <inheritdoc/>
    public void Report(UsageReport report)
    {
        if (TryGetRight(report.Key, out var entry))
        {
            entry.Counters.AddHits(Math.Clamp(report.Reads, 0, ReportedMax), Math.Clamp(report.Bytes, 0, ReportedMax));
            _store.Touch(report.Key);
        }
    }

    /// <inheritdoc/>
    public byte[] GetStatus() => _status();

    /// <summary>Bytes resident in one stretch from the offset; 0 when the first one is not.</summary>
    private static long ResidentBytes(FileResidency residency, BlockLayout layout, long offsetBytes, long wantedBytes)
    {
        var first = layout.IndexOf(offsetBytes);
        var last = layout.IndexOf(offsetBytes + wantedBytes - 1);
        var index = first;
        while (index <= last && residency.Has(index))
        {
            index++;
        }

        return index == first ? 0 : Math.Min(wantedBytes, layout.StartOf(index) - offsetBytes);
    }

    private async ValueTask<ResidencyOutcome> MissAsync(
        CapabilityTable.Entry entry, long offsetBytes, long wantedBytes, bool isNewRead, CancellationToken cancellationToken)
    {
        var capability = entry.Capability;
        var layout = capability.Layout;
        var index = layout.IndexOf(offsetBytes);
        var arriving = _pipeline.ArriveAsync(
            capability, index, (int)(offsetBytes - layout.StartOf(index)), wantedBytes, cancellationToken);
        PrefetchBlocks(capability, index + 1, layout.IndexOf(offsetBytes + wantedBytes - 1), _options.BlocksAheadMax);

        var hasWaited = !arriving.IsCompleted; // Bytes of a fill under way that were there already are a hit.
        var arrival = await arriving;
        var available = Math.Min(arrival.AvailableBytes, wantedBytes);
        if (isNewRead && arrival.Status == ReadStatus.Ok && (arrival.WasResident || !hasWaited))
        {
            entry.Counters.AddHits(1, available);
        }
        else if (isNewRead)
        {
            entry.Counters.AddMiss();
        }

        if (arrival.Status != ReadStatus.Ok)
        {
            return new ResidencyOutcome(arrival.Status, 0, 0, false);
        }

        _store.Touch(capability.Key);
        var generation = arrival.Generation != 0 ? arrival.Generation : GenerationOf(capability.Key, index);
        return new ResidencyOutcome(ReadStatus.Ok, (ulong)generation, available, arrival.WasResident);
    }

    /// <summary>
    /// The cache file that holds a block, 0 when none does any more: an answer must never name a file made anew since, whose
    /// lease would then be read where it has a hole.
    /// </summary>
    private long GenerationOf(FileKey key, int blockIndex)
    {
        var residency = _store.GetResidency(key);
        return residency.Has(blockIndex) ? residency.Generation : 0;
    }

    private void PrefetchBlocks(ReadCapability capability, int firstIndex, int lastIndex, int atMost)
    {
        var residency = _store.GetResidency(capability.Key);
        for (var index = firstIndex; index <= lastIndex && atMost > 0; index++)
        {
            if (residency.Has(index))
            {
                continue;
            }

            if (!_pipeline.Prefetch(capability, index))
            {
                return;
            }

            atMost--;
        }
    }

    private bool TryPinArriving(ReadCapability capability, long offsetBytes, int lengthBytes, out ReadPin pin)
    {
        var layout = capability.Layout;
        var index = layout.IndexOf(offsetBytes);
        pin = default;
        return layout.IndexOf(offsetBytes + lengthBytes - 1) == index
            && _pipeline.TryPinArriving(
                capability.Key, index, (int)(offsetBytes - layout.StartOf(index)), lengthBytes, out pin);
    }

    private bool TryGetRight(FileKey key, [NotNullWhen(true)] out CapabilityTable.Entry? entry) =>
        _capabilities.TryGet(key, out entry)
        && _time.GetUtcNow().ToUnixTimeSeconds() < entry.Capability.Seal.ExpiresUnixSeconds;
}
