using System.Collections.Concurrent;
using System.Collections.Immutable;
using OrleansCache.Files;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Silo.Tests.Fakes;

/// <summary>
/// An under storage made of one function, and the catalog that knows it. Bytes follow from path and offset, so a reader can
/// tell right from wrong; a gate holds reads until the test lets them pass.
/// </summary>
internal sealed class ScriptedStorage : IUnderStorage, IUnderStorageCatalog
{
    private readonly ConcurrentQueue<(string Path, long OffsetBytes, int LengthBytes)> _reads = new();
    private volatile TaskCompletionSource _gate = Opened();
    private int _pieces;

    public SourceId Source { get; } = SourceId.FromUri("file:///scripted");

    /// <summary>Not Ok: what reads answer instead of bytes.</summary>
    public Func<string, long, ReadStatus> Answer { get; set; } = (_, _) => ReadStatus.Ok;

    /// <summary>Reads so far, in order of their beginning.</summary>
    public IReadOnlyList<(string Path, long OffsetBytes, int LengthBytes)> Reads => [.. _reads];

    /// <summary>Awaited before each piece of a stream, with the file's path and the piece's offset.</summary>
    public Func<string, long, Task> BeforePiece { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Streams end here as if all were said, whatever was asked for.</summary>
    public long? StreamsEndAt { get; set; }

    /// <summary>Pieces given away so far.</summary>
    public int Pieces => Volatile.Read(ref _pieces);

    public bool IsAttached { get; set; } = true;

    public static byte ByteAt(string path, long offsetBytes) => (byte)((offsetBytes * 31) + (offsetBytes >> 12) + path.Length);

    public void Hold() => _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void LetGo() => _gate.TrySetResult();

    public async ValueTask<ReadStatus> ReadAsync(
        string path, FileId file, FileVersion version, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        _reads.Enqueue((path, offsetBytes, destination.Length));
        await _gate.Task.WaitAsync(cancellationToken);
        return Fill(path, offsetBytes, destination.Span);
    }

    public ValueTask<IUnderStorage?> FindAsync(SourceId source, CancellationToken cancellationToken) =>
        new(IsAttached && source == Source ? this : null);

    public ValueTask<StatOutcome> StatAsync(string path, CancellationToken cancellationToken) => throw new NotSupportedException();

    public bool ListsInOrder => false;

    public ValueTask<ImmutableArray<SourceFact>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    public IListing List(string path, string? resumeAt) => throw new NotSupportedException();

    public async ValueTask<ReadStatus> StreamAsync(
        string path, FileId file, FileVersion version, long offsetBytes, long lengthBytes, Memory<byte> buffer, IPieceSink sink,
        CancellationToken cancellationToken)
    {
        _reads.Enqueue((path, offsetBytes, (int)lengthBytes));
        for (var end = Math.Min(offsetBytes + lengthBytes, StreamsEndAt ?? long.MaxValue); offsetBytes < end;)
        {
            await _gate.Task.WaitAsync(cancellationToken);
            await BeforePiece(path, offsetBytes).WaitAsync(cancellationToken);
            var piece = buffer[..(int)Math.Min(buffer.Length, end - offsetBytes)];
            var status = Fill(path, offsetBytes, piece.Span);
            Interlocked.Increment(ref _pieces);
            if (status != ReadStatus.Ok || !sink.Accept(piece.Span))
            {
                return status;
            }

            offsetBytes += piece.Length;
        }

        return ReadStatus.Ok;
    }

    public ValueTask<LinkOutcome> ReadLinkAsync(string path, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<IUnderStorage> OpenAsync(string uri, SourceOptions options, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public SourceIdentity Identify(string uri, SourceOptions options) => throw new NotSupportedException();

    public ValueTask CloseAsync(SourceId source) => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private ReadStatus Fill(string path, long offsetBytes, Span<byte> destination)
    {
        var status = Answer(path, offsetBytes);
        for (var at = 0; status == ReadStatus.Ok && at < destination.Length; at++)
        {
            destination[at] = ByteAt(path, offsetBytes + at);
        }

        return status;
    }

    private static TaskCompletionSource Opened()
    {
        var gate = new TaskCompletionSource();
        gate.SetResult();
        return gate;
    }
}
