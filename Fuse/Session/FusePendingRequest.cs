using System.Diagnostics;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// The pooled state behind a <see cref="FuseReplyToken"/>. The generation is odd while a request is owed an answer;
/// whoever moves it on to even owns the answer, so there is exactly one. Objects are used again, generations never.
/// </summary>
internal sealed class FusePendingRequest(FusePendingTable table)
{
    private readonly Lock _cancellationLock = new();
    private CancellationTokenSource? _cancellation;
    private IFuseReplySink? _sink;
    private long _generation;
    private ulong _unique;
    private FuseOpcode _opcode;
    private uint _askedBytes;
    private long _started;
    private volatile bool _answeredBySession;

    /// <summary>Starts a new life for a request. The caller holds the only reference.</summary>
    internal FuseReplyToken Begin(IFuseReplySink sink, in FuseInHeader header, uint askedBytes, long started)
    {
        (_sink, _unique, _opcode, _askedBytes, _started) = (sink, header.Unique, header.Opcode, askedBytes, started);
        _answeredBySession = false;
        return new FuseReplyToken(this, Interlocked.Increment(ref _generation));
    }

    internal bool IsCurrent(long generation) => Volatile.Read(ref _generation) == generation;

    internal CancellationToken GetCancellation(long generation)
    {
        lock (_cancellationLock)
        {
            if (!IsCurrent(generation))
            {
                return new CancellationToken(canceled: true);
            }

            _cancellation ??= new CancellationTokenSource();
            return _cancellation.Token;
        }
    }

    /// <summary>The file system answers.</summary>
    internal bool Send(long generation, Errno error, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        if (!TryClaim(generation))
        {
            Debug.Assert(
                Volatile.Read(ref _generation) != generation + 1 || _answeredBySession,
                "A FUSE request was answered twice.");
            return false;
        }

        return Finish(error, first, second, cancelled: false);
    }

    /// <summary>The session answers in the file system's place and cancels its work.</summary>
    internal bool SendBySession(long generation, Errno error)
    {
        if (!TryClaim(generation))
        {
            return false;
        }

        _answeredBySession = true;
        return Finish(error, default, default, cancelled: true);
    }

    private bool TryClaim(long generation) =>
        Interlocked.CompareExchange(ref _generation, generation + 1, generation) == generation;

    private unsafe bool Finish(Errno error, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, bool cancelled)
    {
        var lengthBytes = error == Errno.None ? first.Length + second.Length : 0;
        if (error == Errno.None && !FuseReplyRules.Allows(_opcode, _askedBytes, lengthBytes))
        {
            table.LogBadReply(_opcode, lengthBytes);
            (error, lengthBytes) = (Errno.InputOutput, 0);
            first = second = default;
        }

        var (sink, unique, opcode, started) = (_sink!, _unique, _opcode, _started);
        CancellationTokenSource? cancellation;
        lock (_cancellationLock)
        {
            cancellation = _cancellation;
            _cancellation = null;
        }

        var header = new FuseOutHeader
        {
            LengthBytes = (uint)(sizeof(FuseOutHeader) + lengthBytes),
            Error = -(int)error,
            Unique = unique,
        };

        // Out of the table before the reply: the kernel may use the number again once it is answered.
        table.Remove(unique);
        var taken = sink.Send(in header, first, second);
        table.Finished(this, opcode, started, error);
        if (cancelled && cancellation is not null)
        {
            table.Cancel(cancellation);
        }

        return taken;
    }
}
