using System.Numerics;
using System.Runtime.InteropServices;

namespace OrleansCache.BlockStore;

/// <summary>CRC32C (Castagnoli) by the processor's instruction; chainable.</summary>
internal static class Crc32C
{
    /// <summary>What one checksum covers: small enough that a bad sector costs one block, large enough to cost 16 bytes per MiB.</summary>
    public const int ChunkBytes = 64 * 1024;

    /// <summary>The checksum of some bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => ~Update(~0u, bytes);

    /// <summary>Feeds bytes into a running state that began as all ones and is inverted at the end.</summary>
    public static uint Update(uint state, ReadOnlySpan<byte> bytes)
    {
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            state = BitOperations.Crc32C(state, word);
        }

        foreach (var rest in bytes[(bytes.Length & ~7)..])
        {
            state = BitOperations.Crc32C(state, rest);
        }

        return state;
    }
}
