using System.Text;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Index;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore;

/// <summary>What the <see cref="Tiers.Scrubber"/> asks for.</summary>
public sealed partial class DiskBlockStore
{
    private string ScrubPath => Path.Combine(_directory.Root, "scrub");

    /// <summary>
    /// Reads a block, compares, and drops its pages from the page cache: the next time it is the disk that is read. A bad block is
    /// dropped, logged and counted. Returns the bytes read; 0 if the block is not there.
    /// </summary>
    internal async Task<int> ScrubBlockAsync(FileKey file, int block)
    {
        if (!_files.TryGetValue(file, out var cached))
        {
            return block == 0 ? await _packed.ScrubAsync(file) : 0;
        }

        if (block >= cached.Shape.BlockCount || !cached.IsPresent(block)
            || await CheckBlockAsync(cached, block) is BlockFinding.Gone or BlockFinding.Unreadable)
        {
            return 0;
        }

        var slot = cached.Pins.Enter();
        if (cached.Handle is { } handle && !_closing)
        {
            _io.DropPages(handle, cached.Shape.Layout.StartOf(block), cached.Shape.BlockLength(block));
        }

        cached.Pins.Exit(slot);
        return cached.Shape.BlockLength(block);
    }

    /// <summary>Where the scrub before this one stopped; the first key if nobody knows.</summary>
    internal FileKey ReadScrubPosition()
    {
        using var file = _io.TryOpen(ScrubPath, OpenFlags.ReadOnly, out _);
        var text = new byte[32];
        return file is not null && _io.ReadFully(file, text, 0) == text.Length
            && FileKey.TryParse(Encoding.ASCII.GetString(text), out var key) ? key : default;
    }

    /// <summary>Remembers where the scrub is; not synced, for little is lost with it.</summary>
    internal void WriteScrubPosition(FileKey key)
    {
        using var file = _io.Open(ScrubPath, OpenFlags.ReadWrite | OpenFlags.Create);
        _io.Write(file, Encoding.ASCII.GetBytes(key.ToString()), 0);
    }
}
