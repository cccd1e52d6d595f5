using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace OrleansCache.Fakes.Network;

/// <summary>
/// One connection through the proxy: in each direction a reader that stamps every piece with the time it is due, and a
/// writer that waits for that time. Pieces are pooled and copied by nobody but the kernel.
/// </summary>
internal sealed class ProxiedConnection(DelayProxy proxy, Socket client)
{
    private const int PieceBytes = 128 * 1024;
    private readonly long _accepted = Stopwatch.GetTimestamp();
    private readonly Socket _server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    /// <summary>Resets both sides.</summary>
    public void Cut()
    {
        Reset(client);
        Reset(_server);
    }

    /// <summary>Runs until both directions have ended.</summary>
    public async Task RunAsync(IPEndPoint target)
    {
        try
        {
            (client.NoDelay, _server.NoDelay) = (true, true);
            await _server.ConnectAsync(target, proxy.Ended).ConfigureAwait(false);
            await Task.WhenAll(CarryAsync(client, _server, proxy.Up), CarryAsync(_server, client, proxy.Down)).ConfigureAwait(false);
        }
        catch (Exception broken) when (
            broken is SocketException or ObjectDisposedException or OperationCanceledException or ChannelClosedException)
        {
            Cut(); // What one side learns, the other must, too.
        }
        finally
        {
            client.Dispose();
            _server.Dispose();
        }
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // Closed already.
        }

        socket.Dispose();
    }

    private async Task CarryAsync(Socket from, Socket to, Link link)
    {
        var pieces = Channel.CreateBounded<Piece>(new BoundedChannelOptions(Math.Max(1, proxy.WindowBytes / PieceBytes))
        {
            FullMode = BoundedChannelFullMode.Wait, // A full wire slows the sender.
            SingleReader = true,
            SingleWriter = true,
        });
        await Task.WhenAll(ReadAsync(from, link, pieces.Writer), WriteAsync(to, pieces)).ConfigureAwait(false);
    }

    private async Task ReadAsync(Socket from, Link link, ChannelWriter<Piece> pieces)
    {
        try
        {
            while (true)
            {
                // Waits without a buffer: a thousand idle connections hold none.
                await from.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, proxy.Ended).ConfigureAwait(false);
                var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
                var count = await from.ReceiveAsync(buffer.AsMemory(0, PieceBytes), SocketFlags.None, proxy.Ended).ConfigureAwait(false);
                await pieces.WriteAsync(new Piece(buffer, count, Due(count, link)), proxy.Ended).ConfigureAwait(false);
                if (count == 0)
                {
                    return;
                }
            }
        }
        catch (SocketException)
        {
            Cut();
            throw;
        }
        finally
        {
            pieces.TryComplete();
        }
    }

    /// <summary>When a piece arrives. The client's first byte cannot leave before its connect has come back.</summary>
    private long Due(int count, Link link)
    {
        var roundTrip = proxy.RoundTripTicks;
        var ready = Math.Max(Stopwatch.GetTimestamp(), ReferenceEquals(link, proxy.Up) ? _accepted + roundTrip : 0);
        return link.Send(count, ready) + (roundTrip / 2);
    }

    private async Task WriteAsync(Socket to, Channel<Piece> pieces)
    {
        await foreach (var piece in pieces.Reader.ReadAllAsync(proxy.Ended).ConfigureAwait(false))
        {
            try
            {
                await proxy.Clock.WaitUntil(piece.Due).ConfigureAwait(false);
                await proxy.Flow.WaitAsync(proxy.Ended).ConfigureAwait(false);
                if (piece.Count == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                for (var sent = 0; sent < piece.Count;)
                {
                    sent += await to.SendAsync(piece.Buffer.AsMemory(sent, piece.Count - sent), SocketFlags.None, proxy.Ended)
                        .ConfigureAwait(false);
                }
            }
            catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
            {
                Cut();
                pieces.Writer.TryComplete(); // The reader may wait for room that nobody makes any more.
                throw;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(piece.Buffer);
            }
        }
    }

    private readonly record struct Piece(byte[] Buffer, int Count, long Due);
}
