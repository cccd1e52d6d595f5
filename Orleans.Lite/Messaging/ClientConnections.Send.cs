namespace Orleans.Runtime.Messaging;

/// <summary>Requests on their way out.</summary>
internal sealed partial class ClientConnections
{
    public void Send(Request request, PendingCall? call)
    {
        using var writer = WireWriter.Rent();
        var cancellable = request.Body.GetCancellationToken().CanBeCanceled;
        RequestHeader.Write(writer, request, TimeToLive(request), cancellable, Limits, Codecs);
        if (!TrySend(_current, writer, call))
        {
            _ = SendWhenConnectedAsync(request, writer.Written.ToArray(), call);
        }
    }

    public void Cancel(PendingCall call)
    {
        if (call.Connection is ClientConnection connection)
        {
            using var writer = WireWriter.Rent();
            var start = Frames.Begin(writer, FrameKind.Cancel);
            writer.Varint((ulong)call.Request.Id);
            writer.EndBlock(start);
            connection.TrySend(writer);
        }
    }

    public string Describe(PendingCall call) => call.Connection is ClientConnection connection
        ? $"Sent to gateway {connection.Peer}{(connection.IsClosed ? ", which is lost" : string.Empty)}."
        : $"It was not sent: there is no connection to a gateway ({_lastProblem}).";

    private static bool TrySend(ClientConnection? connection, WireWriter writer, PendingCall? call)
    {
        if (connection is null)
        {
            return false;
        }

        if (call is not null)
        {
            call.Connection = connection; // Before it goes out, so that a loss right after finds it.
        }

        if (connection.TrySend(writer))
        {
            return true;
        }

        if (call is not null)
        {
            call.Connection = null;
        }

        return false;
    }

    private ulong TimeToLive(Request request) => request.Deadline == 0
        ? 0
        : (ulong)Math.Max(1, (request.Deadline - time.GetTimestamp()) * 1000 / time.TimestampFrequency);

    /// <summary>Waits for a connection as long as opening one may take, or as long as the caller waits.</summary>
    private async Task SendWhenConnectedAsync(Request request, byte[] frame, PendingCall? call)
    {
        try
        {
            Task<ClientConnection> connected;
            lock (_gate)
            {
                connected = _connected.Task;
            }

            var connection = await connected.WaitAsync(_options.OpenConnectionTimeout, time, _stopping.Token);
            if (call is not null && Pending?.Find(request.Id) is null)
            {
                return; // The caller gave up meanwhile.
            }

            if (SendCopy(connection, frame, call))
            {
                return;
            }

            throw new SiloUnavailableException($"the connection to {connection.Peer} was lost at once");
        }
        catch (Exception exception)
        {
            call?.TryFinish(Response.FromException(new SiloUnavailableException(
                $"{request.Name} of grain {request.Target} was not sent: no gateway within "
                + $"{_options.OpenConnectionTimeout.TotalSeconds} s ({_lastProblem}).", exception)));
        }
    }

    private static bool SendCopy(ClientConnection connection, byte[] frame, PendingCall? call)
    {
        using var writer = WireWriter.Rent();
        writer.Raw(frame);
        return TrySend(connection, writer, call);
    }
}
