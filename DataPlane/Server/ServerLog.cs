using Microsoft.Extensions.Logging;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;

namespace OrleansCache.DataPlane.Server;

/// <summary>
/// What the block server says. Events a peer can cause at will pass a gate: one of a kind in five seconds, with the number of
/// those left out; the counters have them all.
/// </summary>
internal sealed partial class ServerLog(ILogger logger, TimeProvider time)
{
    private readonly LogGate _malformedGate = new(time);
    private readonly LogGate _refusedGate = new(time);
    private readonly LogGate _slowGate = new(time);
    private readonly LogGate _failureGate = new(time);
    private readonly LogGate _acceptGate = new(time);
    private readonly LogGate _threadGate = new(time);

    public void Malformed(string peer, FrameError error)
    {
        if (_malformedGate.TryPass(out var leftOut))
        {
            LogMalformed(peer, error, leftOut);
        }
    }

    public void Refused(string peer, HandshakeRefusal refusal)
    {
        if (_refusedGate.TryPass(out var leftOut))
        {
            LogRefused(peer, refusal, leftOut);
        }
    }

    public void SlowReader(string peer, TimeSpan limit)
    {
        if (_slowGate.TryPass(out var leftOut))
        {
            LogSlowReader(peer, limit, leftOut);
        }
    }

    public void ServiceFailed(FrameType type, string what, Exception? exception)
    {
        if (_failureGate.TryPass(out var leftOut))
        {
            LogServiceFailed(exception, type, what, leftOut);
        }
    }

    public void AcceptFailed(string where, string error)
    {
        if (_acceptGate.TryPass(out var leftOut))
        {
            LogAcceptFailed(where, error, leftOut);
        }
    }

    public void NoThread(string error)
    {
        if (_threadGate.TryPass(out var leftOut))
        {
            LogNoThread(error, leftOut);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Block server listens on {Where}")]
    public partial void Listening(string where);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Block server stopped, but {Threads} of its threads did not end within {Limit}: a request hangs in the silo")]
    public partial void StopIncomplete(int threads, TimeSpan limit);

    [LoggerMessage(Level = LogLevel.Error, Message = "Connection of {Peer} ended by an error nobody expected")]
    public partial void ConnectionFailed(Exception exception, string peer);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Closed the connection of {Peer}: malformed frame ({Reason}); {LeftOut} more since the last such line")]
    private partial void LogMalformed(string peer, FrameError reason, long leftOut);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Refused {Peer}: {Reason}; {LeftOut} more since the last such line")]
    private partial void LogRefused(string peer, HandshakeRefusal reason, long leftOut);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Dropped {Peer}: it did not take an answer within {Limit}; {LeftOut} more since the last such line")]
    private partial void LogSlowReader(string peer, TimeSpan limit, long leftOut);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "{Type} request failed: {What}; {LeftOut} more since the last such line")]
    private partial void LogServiceFailed(Exception? exception, FrameType type, string what, long leftOut);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "Cannot accept connections on {Where} now ({Error}), trying on; {LeftOut} more since the last such line")]
    private partial void LogAcceptFailed(string where, string error, long leftOut);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "Cannot start a thread for connections now ({Error}), trying on; {LeftOut} more since the last such line")]
    private partial void LogNoThread(string error, long leftOut);
}
