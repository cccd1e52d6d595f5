using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;

namespace OrleansCache.Client.Tests.Fakes;

/// <summary>A silo with one cache file on a real disk: blocks become resident when they are ensured.</summary>
internal sealed class FakeConnection : IBlockConnection
{
    private readonly string _file;
    private readonly Lock _gate = new();

    public FakeConnection(string file, byte[] content, int blockSizeBytes)
    {
        _file = file;
        Content = content;
        BlockSizeBytes = blockSizeBytes;
        Resident = new bool[(content.Length + blockSizeBytes - 1) / blockSizeBytes];
        Replace(1);
    }

    public byte[] Content { get; }

    public int BlockSizeBytes { get; }

    public bool[] Resident { get; }

    public ulong Generation { get; private set; }

    public bool PassesDescriptors { get; set; } = true;

    public bool IsOpen { get; set; } = true;

    public ulong RingEpoch { get; set; }

    public int MaxBatchBytes => 0;

    public bool IsPresented { get; set; }

    public long NowUnixSeconds { get; set; }

    /// <summary>How many bytes of a range are there when the first one is: cut-through.</summary>
    public long CutThroughBytes { get; set; } = long.MaxValue;

    /// <summary>Answers instead of the work, first in first out.</summary>
    public Queue<ReadStatus> EnsureAnswers { get; } = new();

    public Queue<ReadStatus> LeaseAnswers { get; } = new();

    /// <summary>Whether a lease can be had while nothing is resident; a real silo gives one only when something is on its way.</summary>
    public bool LeasesEmptyFiles { get; set; } = true;

    /// <summary>The file shares its cache file with others.</summary>
    public bool IsPacked { get; set; }

    /// <summary>Runs when a lease is asked for, before it is given.</summary>
    public Action? BeforeLease { get; set; }

    /// <summary>Requests that somebody waited for, but for the pair an open sends at once, which counts as one.</summary>
    public int Trips => Presents + Math.Max(0, Leases - Presents) + Ensures + Reads;

    public int Presents { get; private set; }

    public int Leases { get; private set; }

    public int Ensures { get; private set; }

    public int Reads { get; private set; }

    public List<(long Offset, long Length)> Prefetches { get; } = [];

    public List<UsageReport> Reports { get; } = [];

    /// <summary>A new cache file: the old one was evicted.</summary>
    public void Replace(ulong generation)
    {
        File.Delete(_file);
        using var file = File.Create(_file);
        file.SetLength(Content.Length);
        Array.Clear(Resident);
        Generation = generation;
    }

    /// <summary>Evicts one block: the cache file stays, with a hole. A real silo does that only while nobody has a lease.</summary>
    public void Punch(int block)
    {
        lock (_gate)
        {
            var start = block * BlockSizeBytes;
            using var handle = File.OpenHandle(_file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            RandomAccess.Write(handle, new byte[Math.Min(BlockSizeBytes, Content.Length - start)], start);
            Resident[block] = false;
        }
    }

    public void FillAll()
    {
        for (var block = 0; block < Resident.Length; block++)
        {
            Fill(block);
        }
    }

    public ValueTask<ReadStatus> PresentAsync(ReadCapability capability, CancellationToken cancellationToken)
    {
        Presents++;
        if (!IsOpen)
        {
            return new(ReadStatus.Unavailable);
        }

        if (capability.Seal.ExpiresUnixSeconds <= NowUnixSeconds)
        {
            return new(ReadStatus.CapabilityRefused);
        }

        IsPresented = true;
        return new(ReadStatus.Ok);
    }

    public ValueTask<LeaseOutcome> LeaseAsync(FileKey key, CancellationToken cancellationToken)
    {
        Leases++;
        if (LeaseAnswers.TryDequeue(out var answer))
        {
            return new(new LeaseOutcome(answer, null));
        }

        BeforeLease?.Invoke();
        if (Refusal() is { } refusal)
        {
            return new(new LeaseOutcome(refusal, null));
        }

        lock (_gate)
        {
            if (!LeasesEmptyFiles && !Resident.Contains(true))
            {
                return new(new LeaseOutcome(ReadStatus.NotFound, null));
            }

            var isComplete = Resident.All(one => one);
            if (IsPacked)
            {
                return new(new LeaseOutcome(isComplete ? ReadStatus.NotSupported : ReadStatus.NotFound, null));
            }

            var bits = new byte[(Resident.Length + 7) / 8];
            for (var block = 0; block < Resident.Length; block++)
            {
                bits[block / 8] |= (byte)(Resident[block] ? 1 << (block % 8) : 0);
            }

            var handle = File.OpenHandle(_file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return new(new LeaseOutcome(
                ReadStatus.Ok,
                new ResidencyLease(handle, Generation, Content.Length, BlockSizeBytes, isComplete ? default : bits, isComplete)));
        }
    }

    public ValueTask<ResidencyOutcome> EnsureAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        Ensures++;
        if (EnsureAnswers.TryDequeue(out var answer))
        {
            return new(new ResidencyOutcome(answer, 0, 0, false));
        }

        if (Refusal() is { } refusal)
        {
            return new(new ResidencyOutcome(refusal, 0, 0, false));
        }

        var wasResident = true;
        var available = Math.Min(lengthBytes, CutThroughBytes);
        for (var block = (int)(offsetBytes / BlockSizeBytes); block <= (offsetBytes + available - 1) / BlockSizeBytes; block++)
        {
            wasResident &= Resident[block];
            Fill(block);
        }

        return new(new ResidencyOutcome(ReadStatus.Ok, Generation, available, wasResident));
    }

    public ValueTask<ReadOutcome> ReadAsync(
        FileKey key, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Reads++;
        if (Refusal() is { } refusal)
        {
            return new(new ReadOutcome(refusal, 0, false));
        }

        Content.AsSpan((int)offsetBytes, destination.Length).CopyTo(destination.Span);
        var wasResident = true;
        for (var block = (int)(offsetBytes / BlockSizeBytes); block <= (offsetBytes + destination.Length - 1) / BlockSizeBytes; block++)
        {
            wasResident &= Resident[block];
            Fill(block);
        }

        return new(new ReadOutcome(ReadStatus.Ok, destination.Length, wasResident));
    }

    public ValueTask<ReadOutcome> ReadBatchAsync(Memory<BatchRead> reads, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<ReadStatus> PrefetchAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            Prefetches.Add((offsetBytes, lengthBytes));
        }

        return new(ReadStatus.Ok);
    }

    public ValueTask<ReadStatus> ReportAsync(ReadOnlyMemory<UsageReport> reports, CancellationToken cancellationToken)
    {
        if (!IsOpen)
        {
            return new(ReadStatus.Unavailable);
        }

        Reports.AddRange(reports.ToArray());
        return new(ReadStatus.Ok);
    }

    public ValueTask<StatusOutcome> GetStatusAsync(CancellationToken cancellationToken) =>
        new(new StatusOutcome(ReadStatus.Ok, "{}"u8.ToArray()));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private ReadStatus? Refusal() =>
        !IsOpen ? ReadStatus.Unavailable : IsPresented ? null : ReadStatus.CapabilityRequired;

    private void Fill(int block)
    {
        lock (_gate)
        {
            if (Resident[block])
            {
                return;
            }

            var start = block * BlockSizeBytes;
            using var handle = File.OpenHandle(_file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            RandomAccess.Write(handle, Content.AsSpan(start, Math.Min(BlockSizeBytes, Content.Length - start)), start);
            Resident[block] = true;
        }
    }
}
