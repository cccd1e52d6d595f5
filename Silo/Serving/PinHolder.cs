using Microsoft.Extensions.ObjectPool;
using OrleansCache.BlockStore;
using IPinOwner = OrleansCache.DataPlane.Server.IPinOwner;
using PinnedRange = OrleansCache.DataPlane.Server.PinnedRange;

namespace OrleansCache.Silo.Serving;

/// <summary>
/// Keeps the store's pin while the block server sends from it. Pooled, so that a warm send allocates nothing. The token tells
/// one use from the next: a range disposed twice does not free somebody else's pin.
/// </summary>
internal sealed class PinHolder : IPinOwner
{
    private ObjectPool<PinHolder>? _pool;
    private ReadPin _pin;
    private long _token;

    /// <summary>A range that gives the pin back when it is disposed.</summary>
    public static PinnedRange Wrap(ObjectPool<PinHolder> pool, in ReadPin pin)
    {
        var holder = pool.Get();
        holder._pool = pool;
        holder._pin = pin;
        return new PinnedRange(pin.Handle, pin.FileOffsetBytes, holder, Interlocked.Increment(ref holder._token));
    }

    /// <inheritdoc/>
    public void Unpin(long token)
    {
        if (Interlocked.CompareExchange(ref _token, token + 1, token) != token)
        {
            return;
        }

        var pin = _pin;
        _pin = default;
        pin.Dispose();
        _pool!.Return(this);
    }
}
