using System.Buffers.Binary;

namespace OrleansCache.Fakes.S3;

/// <summary>The bytes of one object version. Immutable, so a body in flight stays of one version.</summary>
public abstract class ObjectContent
{
    /// <summary>Length in bytes.</summary>
    public abstract long Length { get; }

    /// <summary>Fills <paramref name="destination"/> with the bytes at <paramref name="offset"/>; the range must exist.</summary>
    public abstract void Read(long offset, Span<byte> destination);

    /// <summary>Content held in memory.</summary>
    public static ObjectContent Of(ReadOnlyMemory<byte> bytes) => new HeldContent(bytes);

    /// <summary>Content computed from a seed: any length, no memory.</summary>
    public static ObjectContent Synthetic(long length, ulong seed) => new SyntheticContent(length, seed);

    /// <summary>Part of this content.</summary>
    public ObjectContent Slice(long offset, long length) => new ConcatenatedContent([(this, offset, length)]);

    /// <summary>Contents one after the other.</summary>
    internal static ObjectContent Concat(IEnumerable<ObjectContent> parts) =>
        new ConcatenatedContent([.. parts.Select(part => (part, 0L, part.Length))]);

    private sealed class HeldContent(ReadOnlyMemory<byte> bytes) : ObjectContent
    {
        public override long Length => bytes.Length;

        public override void Read(long offset, Span<byte> destination) =>
            bytes.Span.Slice((int)offset, destination.Length).CopyTo(destination);
    }

    private sealed class SyntheticContent(long length, ulong seed) : ObjectContent
    {
        public override long Length => length;

        public override void Read(long offset, Span<byte> destination) => SyntheticBytes.Fill(seed, offset, destination);
    }

    private sealed class ConcatenatedContent((ObjectContent Content, long Offset, long Length)[] parts) : ObjectContent
    {
        public override long Length { get; } = parts.Sum(part => part.Length);

        public override void Read(long offset, Span<byte> destination)
        {
            var start = 0L;
            foreach (var (content, from, length) in parts)
            {
                var skip = Math.Max(0, offset - start);
                if (destination.IsEmpty)
                {
                    return;
                }

                if (skip < length)
                {
                    var count = (int)Math.Min(length - skip, destination.Length);
                    content.Read(from + skip, destination[..count]);
                    destination = destination[count..];
                    offset += count;
                }

                start += length;
            }
        }
    }
}

/// <summary>Bytes that are a function of (seed, offset): a reader can check any range without keeping the source.</summary>
public static class SyntheticBytes
{
    /// <summary>Fills with the bytes at an offset of the endless stream of this seed.</summary>
    public static void Fill(ulong seed, long offset, Span<byte> destination)
    {
        Span<byte> word = stackalloc byte[8];
        var index = (ulong)offset >> 3;
        var within = (int)(offset & 7);
        if (within != 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, Word(seed, index++));
            var count = Math.Min(8 - within, destination.Length);
            word.Slice(within, count).CopyTo(destination);
            destination = destination[count..];
        }

        while (destination.Length >= 8)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(destination, Word(seed, index++));
            destination = destination[8..];
        }

        BinaryPrimitives.WriteUInt64LittleEndian(word, Word(seed, index));
        word[..destination.Length].CopyTo(destination);
    }

    /// <summary>The bytes of a range.</summary>
    public static byte[] Range(ulong seed, long offset, int count)
    {
        var bytes = new byte[count];
        Fill(seed, offset, bytes);
        return bytes;
    }

    /// <summary>A seed of its own for each key and version below a common seed.</summary>
    public static ulong SeedOf(ulong seed, string key, int version = 0)
    {
        var hash = 14695981039346656037UL ^ seed;
        foreach (var c in key)
        {
            hash = (hash ^ c) * 1099511628211UL;
        }

        return Mix(hash + ((ulong)version * 0x9E3779B97F4A7C15UL));
    }

    /// <summary>A 64-bit finaliser: every input bit changes every output bit with probability one half.</summary>
    internal static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9UL;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EBUL;
        return value ^ (value >> 31);
    }

    private static ulong Word(ulong seed, ulong index) => Mix(seed + (index * 0x9E3779B97F4A7C15UL));
}
