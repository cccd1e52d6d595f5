using OrleansCache.Files;
using OrleansCache.PowerCut;

namespace OrleansCache.BlockStore.Tests.Faults;

/// <summary>
/// What the store was asked to keep and said it keeps: a block is known from the moment its fill was acknowledged until a
/// drop of its file begins. A fill that overlaps a drop of its file promises nothing. Thread-safe.
/// </summary>
internal sealed class FaultModel
{
    public const int LargeFiles = 8, SmallFiles = 40, Files = LargeFiles + SmallFiles;
    public static readonly SourceId Source = new(1);

    private readonly byte[][] _contents = [.. Enumerable.Range(0, Files).Select(ContentsOf)];
    private readonly Dictionary<(int File, int Block), int> _known = [];
    private readonly int[] _drops = new int[Files];
    private readonly Lock _gate = new();

    /// <summary>Blocks that must be there, unless something explains their loss.</summary>
    public IReadOnlyList<(int File, int Block)> Known
    {
        get
        {
            lock (_gate)
            {
                return [.. _known.Keys];
            }
        }
    }

    public static FileKey Key(int file) => TestTier.Key(file);

    public static FillRequest Request(int file, int block) => new(Key(file), Length(file), TestTier.Layout, Source, block);

    /// <summary>Large ones have three blocks, small ones a page or two.</summary>
    public static long Length(int file) => file < LargeFiles ? (2L * TestTier.BlockSize) + 12_345 : 3000 + (file * 100);

    public static int Blocks(int file) => TestTier.Layout.CountFor(Length(file));

    public ReadOnlySpan<byte> Contents(int file, long offsetBytes, int lengthBytes) =>
        _contents[file].AsSpan((int)offsetBytes, lengthBytes);

    public void AssertBytes(int file, long offsetBytes, ReadOnlySpan<byte> bytes) =>
        Assert.True(
            bytes.SequenceEqual(Contents(file, offsetBytes, bytes.Length)),
            $"wrong bytes of file {file} at {offsetBytes}, {bytes.Length} long");

    /// <summary>To be asked for before a fill begins, and given back with its acknowledgement.</summary>
    public int DropsOf(int file)
    {
        lock (_gate)
        {
            return _drops[file];
        }
    }

    public void Acknowledge(int file, int block, int dropsBefore)
    {
        lock (_gate)
        {
            if (_drops[file] == dropsBefore)
            {
                _known[(file, block)] = dropsBefore;
            }
        }
    }

    /// <summary>Before a drop and after it: a fill that began in between may have been dropped, too.</summary>
    public void Drop(int file)
    {
        lock (_gate)
        {
            _drops[file]++;
            foreach (var one in _known.Keys.Where(one => one.File == file).ToList())
            {
                _known.Remove(one);
            }
        }
    }

    /// <summary>Its loss was explained, or it was found to be there after all.</summary>
    public void Forget((int File, int Block) block)
    {
        lock (_gate)
        {
            _known.Remove(block);
        }
    }

    private static byte[] ContentsOf(int file)
    {
        var bytes = new byte[Length(file)];
        Pattern.Fill(Key(file), 0, bytes);
        return bytes;
    }
}
