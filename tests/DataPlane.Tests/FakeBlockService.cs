using System.Collections.Concurrent;
using System.Text;
using Microsoft.Win32.SafeHandles;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests;

/// <summary>A silo's store of whole files in a temporary directory, with handles to make it slow, full or broken.</summary>
internal sealed class FakeBlockService(string directory) : IBlockService, IPinOwner, IDisposable
{
    private readonly ConcurrentDictionary<FileKey, Entry> _files = new();
    private long _pins;
    private int _waiting;
    private int _cancelled;

    public long Pins => Interlocked.Read(ref _pins);

    public int Waiting => Volatile.Read(ref _waiting);

    public int Cancelled => Volatile.Read(ref _cancelled);

    public ulong RingEpoch { get; set; }

    public bool IsFull { get; set; }

    public Exception? Throws { get; set; }

    /// <summary>Most bytes one Ensure says are there.</summary>
    public long AvailableAtOnce { get; set; } = long.MaxValue;

    /// <summary>How many times Pin loses against eviction.</summary>
    public int LostPins { get; set; }

    public ConcurrentQueue<(FileKey Key, long Offset, int Length)> Unreadable { get; } = new();

    public ConcurrentQueue<UsageReport> Reports { get; } = new();

    public ConcurrentQueue<(FileKey Key, long Offset, long Length)> Prefetches { get; } = new();

    public ConcurrentQueue<ReadCapability> Presented { get; } = new();

    public FileKey Add(byte[] content, int blockSizeBytes = 4096, bool isComplete = true)
    {
        var key = new FileKey((ulong)Random.Shared.NextInt64(), (ulong)Random.Shared.NextInt64());
        var path = Path.Combine(directory, key.ToString());
        File.WriteAllBytes(path, content);
        _files[key] = new Entry(path, FileOpening.Open(path, OpenFlags.ReadOnly), content.Length, blockSizeBytes, isComplete);
        return key;
    }

    public string PathOf(FileKey key) => _files[key].Path;

    /// <summary>From now on the file's bytes have to be waited for, until the returned is called.</summary>
    public Action Hold(FileKey key)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _files[key].Arrived = arrived.Task;
        return arrived.SetResult;
    }

    public ReadStatus Present(ReadCapability capability)
    {
        Presented.Enqueue(capability);
        return capability.Path == "refused" ? ReadStatus.CapabilityRefused : ReadStatus.Ok;
    }

    public ValueTask<ResidencyOutcome> EnsureAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        if (Throws is not null)
        {
            throw Throws;
        }

        if (!_files.TryGetValue(key, out var file))
        {
            return new(new ResidencyOutcome(ReadStatus.CapabilityRequired, 0, 0, false));
        }

        return IsFull ? new(new ResidencyOutcome(ReadStatus.Unavailable, 0, 0, false))
            : file.Arrived.IsCompleted ? new(Resident(file, offsetBytes, lengthBytes, wasResident: file.Arrived == Task.CompletedTask))
            : WaitAsync(file, offsetBytes, lengthBytes, cancellationToken);
    }

    public void Prefetch(FileKey key, long offsetBytes, long lengthBytes) => Prefetches.Enqueue((key, offsetBytes, lengthBytes));

    public ReadStatus TryLease(FileKey key, out ResidencyLease? lease)
    {
        lease = null;
        if (!_files.TryGetValue(key, out var file))
        {
            return ReadStatus.CapabilityRequired;
        }

        var descriptor = FileOpening.Open(file.Path, OpenFlags.ReadOnly);
        if (!FileLock.TryLockShared(descriptor))
        {
            descriptor.Dispose();
            return ReadStatus.Unavailable;
        }

        var blocks = (file.Length + file.BlockSizeBytes - 1) / file.BlockSizeBytes;
        var bitmap = new byte[(blocks + 7) / 8];
        bitmap.AsSpan().Fill(0b0101_0101);
        lease = new ResidencyLease(
            descriptor, 7, file.Length, file.BlockSizeBytes, file.IsComplete ? default : bitmap, file.IsComplete);
        return ReadStatus.Ok;
    }

    public ReadStatus TryPin(FileKey key, long offsetBytes, int lengthBytes, out PinnedRange pin)
    {
        pin = default;
        if (LostPins > 0)
        {
            LostPins--;
            return ReadStatus.NotFound;
        }

        Interlocked.Increment(ref _pins);
        pin = new PinnedRange(_files[key].Handle, offsetBytes, this, 1);
        return ReadStatus.Ok;
    }

    public void OnUnreadable(FileKey key, long offsetBytes, int lengthBytes) => Unreadable.Enqueue((key, offsetBytes, lengthBytes));

    public ValueTask<ReadStatus> ReadThroughAsync(
        FileKey key, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken) =>
        new(RandomAccess.Read(_files[key].Handle, destination.Span, offsetBytes) == destination.Length
            ? ReadStatus.Ok
            : ReadStatus.InvalidRequest);

    public void Report(UsageReport report) => Reports.Enqueue(report);

    public byte[] GetStatus() => Encoding.UTF8.GetBytes("{\"cluster\": \"test\"}");

    public void Unpin(long token) => Interlocked.Decrement(ref _pins);

    public void Dispose()
    {
        foreach (var file in _files.Values)
        {
            file.Handle.Dispose();
        }
    }

    private async ValueTask<ResidencyOutcome> WaitAsync(
        Entry file, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _waiting);
        try
        {
            await file.Arrived.WaitAsync(cancellationToken);
            return Resident(file, offsetBytes, lengthBytes, wasResident: false);
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref _cancelled);
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private ResidencyOutcome Resident(Entry file, long offsetBytes, long lengthBytes, bool wasResident) =>
        offsetBytes >= file.Length
            ? new ResidencyOutcome(ReadStatus.InvalidRequest, 0, 0, false)
            : new ResidencyOutcome(
                ReadStatus.Ok, 7, Math.Min(Math.Min(lengthBytes, file.Length - offsetBytes), AvailableAtOnce), wasResident);

    private sealed record Entry(string Path, SafeFileHandle Handle, long Length, int BlockSizeBytes, bool IsComplete)
    {
        public Task Arrived { get; set; } = Task.CompletedTask;
    }
}
