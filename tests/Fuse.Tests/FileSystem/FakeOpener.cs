using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Reading;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>
/// Opens the fake tree's files; says when bytes are resident, when they must be waited for, and when they are gone.
/// </summary>
internal sealed class FakeOpener : IFileOpener
{
    private int _open;
    private int _reads;
    private int _waitingNow;
    private int _waitingMost;

    /// <summary>Whether a file's bytes are at hand.</summary>
    public Func<NodeEntry, bool> IsResident { get; set; } = static _ => true;

    /// <summary>What a read that waits ends with; Ok by default.</summary>
    public Func<NodeEntry, ReadStatus> StatusOf { get; set; } = static _ => ReadStatus.Ok;

    /// <summary>When set, reads that wait do so until it completes.</summary>
    public TaskCompletionSource? Gate { get; set; }

    /// <summary>A reader that does not listen to its cancellation.</summary>
    public bool IgnoresCancellation { get; set; }

    /// <summary>Bytes a reader leaves out at the end of each answer: a broken reader.</summary>
    public int MissingBytes { get; set; }

    public int OpenReaders => Volatile.Read(ref _open);

    public int WaitingReads => Volatile.Read(ref _waitingNow);

    public int WaitingReadsMost => Volatile.Read(ref _waitingMost);

    public int Reads => Volatile.Read(ref _reads);

    public ValueTask<OpenOutcome> OpenAsync(NodeEntry file, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _open);
        return new(new OpenOutcome(ReadStatus.Ok, new Reader(this, file)));
    }

    private void OnWait(int change)
    {
        var now = Interlocked.Add(ref _waitingNow, change);
        var most = Volatile.Read(ref _waitingMost);
        while (now > most)
        {
            most = Interlocked.CompareExchange(ref _waitingMost, now, most) is var seen && seen == most ? now : seen;
        }
    }

    private sealed class Reader(FakeOpener owner, NodeEntry file) : IFileReader
    {
        private readonly FakeContent _content = new(file.Entry.Key.Low, file.LengthBytes);
        private int _disposed;

        public long LengthBytes => file.LengthBytes;

        public ValueTask<int> GetCachedPercentAsync(CancellationToken cancellationToken) => new(owner.IsResident(file) ? 100 : 42);

        public bool TryRead(long offsetBytes, Span<byte> destination, out int bytesRead)
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
            bytesRead = 0;
            if (!owner.IsResident(file))
            {
                return false;
            }

            Interlocked.Increment(ref owner._reads);
            bytesRead = Fill(offsetBytes, destination);
            return true;
        }

        public async ValueTask<FileReadOutcome> ReadAsync(
            long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
            owner.OnWait(1);
            try
            {
                await Task.Yield();
                if (owner.Gate is { } gate)
                {
                    await gate.Task.WaitAsync(owner.IgnoresCancellation ? default : cancellationToken);
                }

                ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
                var status = owner.StatusOf(file);
                return new FileReadOutcome(status, status == ReadStatus.Ok ? Fill(offsetBytes, destination.Span) : 0);
            }
            finally
            {
                owner.OnWait(-1);
            }
        }

        public void Dispose()
        {
            Assert.Equal(0, Interlocked.Exchange(ref _disposed, 1));
            Interlocked.Decrement(ref owner._open);
        }

        private int Fill(long offsetBytes, Span<byte> destination)
        {
            var bytes = (int)Math.Clamp(LengthBytes - offsetBytes, 0, destination.Length);
            bytes = Math.Max(0, bytes - owner.MissingBytes);
            _content.CopyTo(offsetBytes, destination[..bytes]);
            return bytes;
        }
    }
}
