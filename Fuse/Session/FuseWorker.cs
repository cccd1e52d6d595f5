using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// One session thread: read a request, serve it, write the reply, all with its own descriptor, memory and counters.
/// The reply's header lies right before the page-aligned data, so that both go out with one write.
/// </summary>
internal sealed unsafe partial class FuseWorker : IDisposable
{
    /// <summary>The kernel wants at least 8 KiB; more lets a BATCH_FORGET carry thousands of nodes.</summary>
    private const int RequestBytesMax = 64 * 1024;

    private const int StackBytes = 512 * 1024;

    private readonly FuseSession _session;
    private readonly FuseChannel _channel;
    private readonly FuseDispatcher _dispatcher;
    private readonly AnonymousMemory _memory;
    private readonly FuseRequestContext _context;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly byte* _request;
    private volatile int _threadId;
    private volatile bool _ended;

    public FuseWorker(
        FuseSession session, FuseChannel channel, FuseDispatcher dispatcher, FusePendingTable pending,
        int readBytesMax, TimeProvider time, ILogger logger)
    {
        (_session, _channel, _dispatcher, _time, _logger) = (session, channel, dispatcher, time, logger);
        Counters = new FuseCounters(time);
        var page = Environment.SystemPageSize;
        _memory = new AnonymousMemory(page + readBytesMax + RequestBytesMax);
        _request = _memory.Address + page + readBytesMax;
        _context = new FuseRequestContext(channel, pending, _memory.Address + page, readBytesMax);
    }

    public FuseCounters Counters { get; }

    public FuseChannel Channel => _channel;

    public bool HasEnded => _ended;

    public void Start(int number) =>
        new Thread(Run, StackBytes) { IsBackground = true, Name = $"fuse-{number}" }.Start();

    /// <summary>Makes the read return, if the thread blocks in it now; repeat until <see cref="HasEnded"/>.</summary>
    public void Wake()
    {
        if (_threadId is not 0 and var thread && !_ended)
        {
            ThreadWaker.Wake(thread);
        }
    }

    public bool TryMarkInterrupted(ulong unique) => _context.TryMarkInterrupted(unique);

    public void Dispose()
    {
        _channel.Dispose();
        _memory.Dispose();
    }

    private void Run()
    {
        try
        {
            _threadId = ThreadWaker.CurrentThread();
            while (!_session.IsStopping && ServeOne())
            {
            }
        }
        catch (Exception exception)
        {
            LogThreadFailed(exception);
        }

        _ended = true;
        _session.WorkerEnded();
    }

    /// <returns>False when the connection is over.</returns>
    private bool ServeOne()
    {
        var length = _channel.Receive(_request, RequestBytesMax, out var error);
        if (length < 0)
        {
            return CanGoOn(error);
        }

        var started = _time.GetTimestamp();
        if (!FuseMessage.TryParse(new ReadOnlySpan<byte>(_request, (int)length), out var message))
        {
            LogUnreadable(length);
            return true;
        }

        var opcode = message.Header.Opcode;
        if (opcode == FuseOpcode.Interrupt)
        {
            _session.Interrupt(in message);
            Counters.Add(opcode, started, Errno.None);
            return true;
        }

        _context.Begin(in message, started);
        var reply = _dispatcher.Dispatch(_context, in message);
        if (reply.Kind != FuseReplyKind.Deferred)
        {
            if (!FuseOpcodes.HasNoReply(opcode))
            {
                Send(message.Header.Unique, in reply);
            }

            Counters.Add(opcode, started, reply.ErrorNumber);
        }

        return true;
    }

    private void Send(ulong unique, in FuseReply reply)
    {
        var header = (FuseOutHeader*)(_context.ReplyAddress - sizeof(FuseOutHeader));
        header->LengthBytes = (uint)(sizeof(FuseOutHeader) + reply.LengthBytes);
        header->Error = -(int)reply.ErrorNumber;
        header->Unique = unique;
        if (reply.Kind == FuseReplyKind.External)
        {
            _channel.Send(header, reply.External, reply.LengthBytes);
        }
        else
        {
            _channel.Send((byte*)header, (int)header->LengthBytes);
        }
    }

    private bool CanGoOn(Errno error)
    {
        switch (error)
        {
            case Errno.Interrupted: // A signal: the loop looks whether it was the stop.
            case Errno.Again:
            case Errno.NoEntry: // The request was interrupted before it could be read.
                return true;
            case Errno.NoDevice: // Unmounted.
            case Errno.ConnectionAborted:
                return false;
            default:
                LogReceiveFailed(error);
                return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "A FUSE session thread failed and ends")]
    private partial void LogThreadFailed(Exception exception);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "A message of {LengthBytes} bytes from the FUSE device contradicts its own length; it was dropped")]
    private partial void LogUnreadable(nint lengthBytes);

    [LoggerMessage(
        Level = LogLevel.Error, Message = "Reading from the FUSE device failed with {Error}; this thread ends")]
    private partial void LogReceiveFailed(Errno error);
}
