using OrleansCache.Files;

namespace OrleansCache.BlockStore.Tiers;

/// <summary>
/// Tells the second use of a block from the first. A block is read in many pieces, so reads that follow within seconds are
/// one use; one that comes after minutes is a first one again. A table of fixed size: two blocks in one place forget each
/// other, which costs a promotion and nothing else. Thread-safe without a lock, for the same reason.
/// </summary>
internal sealed class UseWindow
{
    /// <summary>Half a megabyte: some 250 GiB in blocks of 4 MiB.</summary>
    private const int Places = 1 << 16;

    /// <summary>Reads so close to the first one are part of it.</summary>
    public const uint SameUseSeconds = 10;

    /// <summary>Uses further apart than this do not speak for a faster disk.</summary>
    public const uint WindowSeconds = 3600;

    private readonly ulong[] _seen = new ulong[Places];

    /// <summary>Whether this is the second use of a block within the window; the one after it is a first one again.</summary>
    public bool IsSecond(FileKey file, int block, uint nowSeconds)
    {
        var hash = Rendezvous.Mix(file.High ^ Rendezvous.Mix(file.Low ^ (ulong)block));
        ref var place = ref _seen[hash & (Places - 1)];
        var tag = hash >> 32 << 32;
        var seen = Volatile.Read(ref place);
        var age = nowSeconds - (uint)seen;
        if (seen >> 32 << 32 != tag || age > WindowSeconds)
        {
            Volatile.Write(ref place, tag | nowSeconds);
            return false;
        }

        if (age < SameUseSeconds)
        {
            return false;
        }

        Volatile.Write(ref place, 0);
        return true;
    }
}
