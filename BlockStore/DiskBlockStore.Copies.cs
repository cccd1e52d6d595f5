using OrleansCache.BlockStore.Index;
using OrleansCache.BlockStore.Tiers;
using OrleansCache.Files;

namespace OrleansCache.BlockStore;

/// <summary>Blocks that go on to another disk.</summary>
public sealed partial class DiskBlockStore
{
    /// <summary>Pins a proven block to be copied elsewhere; false if it is not here.</summary>
    internal bool TryPinCopy(FileKey file, int block, out BlockCopy copy)
    {
        copy = default;
        if (!_files.TryGetValue(file, out var cached) || cached.Crcs(block) is not { } crcs
            || TryPin(file, cached.Shape.Layout.StartOf(block), cached.Shape.BlockLength(block), out var pin) != PinStatus.Pinned)
        {
            return false;
        }

        copy = new BlockCopy(cached.Shape, block, crcs, _options.Medium, pin);
        return true;
    }

    /// <summary>
    /// Shows blocks that are about to be evicted to whoever may want them. The caller holds the file's gate and has not hidden them
    /// yet, so the pins taken here are among those that the punch waits for.
    /// </summary>
    private void OfferEvicted(CachedFile file, IEnumerable<int> blocks)
    {
        if (_options.Evicting is not { } take || file.Handle is not { } handle || _closing)
        {
            return;
        }

        foreach (var block in blocks)
        {
            if (file.Crcs(block) is { } crcs)
            {
                var pin = new ReadPin(
                    file, file.Pins.Enter(), handle, file.Shape.Layout.StartOf(block), file.Shape.BlockLength(block));
                if (!take(new BlockCopy(file.Shape, block, crcs, _options.Medium, pin)))
                {
                    pin.Dispose();
                    return; // Too much to do: the others would not be taken either.
                }
            }
        }
    }
}
