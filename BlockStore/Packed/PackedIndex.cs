using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Packed;

/// <summary>
/// Key to place of every packed object, in native memory: a linear hash table whose chains run through a slab of entries
/// indexed by item id. It grows by one bucket at a time, and nothing of it ever moves.
/// <para>
/// Threading: a key belongs to one of 1,024 stripes. Writers hold the stripe's gate (<see cref="GateOf"/>); readers hold
/// nothing: they copy the entry and look whether the stripe's version stood still and even meanwhile, else they look again.
/// So a torn or reused entry is never used. The memory is freed when nobody can reach the index any more, not before:
/// a reader that comes after the store was closed finds nothing wrong.
/// </para>
/// </summary>
internal sealed unsafe class PackedIndex
{
    private const int Stripes = 1024, StripeMask = Stripes - 1;
    private const int LoadMax = 2; // Chains of two on average: 2 bytes of buckets an object.
    private const int SplitsAtOnce = 8;

    private readonly Lock[] _gates = new Lock[Stripes];
    private readonly Version[] _versions = new Version[Stripes];
    private readonly NativeSlab _entries = new(sizeof(PackedEntry));
    private readonly NativeSlab _buckets = new(sizeof(uint));
    private readonly Lock _growGate = new();
    private long _count;
    private long _bucketCount = Stripes;

    public PackedIndex()
    {
        for (var i = 0; i < Stripes; i++)
        {
            _gates[i] = new Lock();
        }

        _buckets.Ensure(Stripes);
        _entries.Ensure(1); // Of item 0, at which every chain ends.
    }

    public long Count => Volatile.Read(ref _count);

    /// <summary>What it takes of native memory.</summary>
    public long NativeBytes => _entries.NativeBytes + _buckets.NativeBytes;

    /// <summary>Every item id is below this.</summary>
    public uint ItemsEnd => (uint)_entries.Count;

    public static uint HashOf(FileKey key)
    {
        var x = key.High ^ (key.Low * 0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 32)) * 0xD6E8_FEB8_6659_FD93;
        x = (x ^ (x >> 32)) * 0xD6E8_FEB8_6659_FD93;
        return (uint)(x ^ (x >> 32));
    }

    /// <summary>Makes buckets for so many objects, while there are none yet: then nothing is split as they come.</summary>
    public void Reserve(long objects)
    {
        var buckets = objects / LoadMax;
        if (Count == 0 && buckets > _bucketCount)
        {
            _buckets.Ensure(buckets);
            Volatile.Write(ref _bucketCount, buckets);
        }
    }

    /// <summary>Brings the chains of keys about to be looked for into the processor's cache, all at once. While nobody writes.</summary>
    /// <param name="hashes">Overwritten.</param>
    public void Prefetch(Span<uint> hashes)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        foreach (var hash in hashes)
        {
            Sse.Prefetch0(Bucket(hash, _bucketCount));
        }

        foreach (ref var item in hashes)
        {
            item = *Bucket(item, _bucketCount);
            Sse.Prefetch0(Entry(item));
        }

        foreach (var item in hashes)
        {
            Sse.Prefetch0(Entry(Entry(item)->Next));
        }
    }

    /// <summary>Held while an object of this key comes, moves or goes, and while the journal is told in that order.</summary>
    public Lock GateOf(FileKey key) => _gates[HashOf(key) & StripeMask];

    /// <summary>A consistent copy of an entry. No lock, no allocation.</summary>
    public bool TryFind(FileKey key, out Found found)
    {
        var hash = HashOf(key);
        ref var version = ref _versions[hash & StripeMask].Value;
        var spin = default(SpinWait);
        while (true)
        {
            var before = Volatile.Read(ref version);
            if ((before & 1) == 0)
            {
                var item = Walk(hash, key, ref version, before, out var entry);
                Interlocked.MemoryBarrier();
                if (Volatile.Read(ref version) == before)
                {
                    found = new Found(item, entry, before);
                    GC.KeepAlive(this);
                    return item != 0;
                }
            }

            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>Nothing of the key's stripe has changed since it was found. To be asked after a full fence.</summary>
    public bool IsUnchanged(FileKey key, in Found found) =>
        Volatile.Read(ref _versions[HashOf(key) & StripeMask].Value) == found.Version;

    /// <summary>A consistent copy of an item's entry; false if it is no packed object.</summary>
    public bool TryRead(uint item, out PackedEntry entry)
    {
        var spin = default(SpinWait);
        while (true)
        {
            entry = default;
            if (item == 0 || item >= _entries.Count)
            {
                return false;
            }

            var at = Entry(item);
            var seen = *at;
            if (seen.Place == 0)
            {
                return false;
            }

            ref var version = ref _versions[HashOf(seen.Key) & StripeMask].Value;
            var before = Volatile.Read(ref version);
            entry = *at;
            Interlocked.MemoryBarrier();
            if ((before & 1) == 0 && Volatile.Read(ref version) == before && entry.High == seen.High && entry.Low == seen.Low)
            {
                GC.KeepAlive(this);
                return entry.Place != 0;
            }

            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>Adds an object that is not there. Follow with <see cref="Grow"/> outside of the gate.</summary>
    public void Insert(uint item, in PackedEntry entry)
    {
        var key = entry.Key;
        _entries.Ensure(item + 1L);
        lock (GateOf(key))
        {
            var hash = HashOf(key);
            ref var version = ref Begin(hash);
            var bucket = Bucket(hash, Volatile.Read(ref _bucketCount));
            var at = Entry(item);
            *at = entry;
            at->Next = *bucket;
            Volatile.Write(ref *bucket, item);
            End(ref version);
            Interlocked.Increment(ref _count);
        }
    }

    /// <summary>Gives an object another place or state, if it is where it is said to be.</summary>
    public bool TryReplace(FileKey key, PackedPlace where, PackedPlace with)
    {
        lock (GateOf(key))
        {
            if (!TryFind(key, out var found) || !found.Entry.At.IsWhere(where))
            {
                return false;
            }

            ref var version = ref Begin(HashOf(key));
            Entry(found.Item)->Place = with.Value;
            End(ref version);
            return true;
        }
    }

    /// <summary>Takes an object out; false if it is not there.</summary>
    public bool TryRemove(FileKey key, out Found found)
    {
        lock (GateOf(key))
        {
            if (!TryFind(key, out found))
            {
                return false;
            }

            var hash = HashOf(key);
            var link = Bucket(hash, Volatile.Read(ref _bucketCount));
            while (*link != found.Item)
            {
                link = &Entry(*link)->Next;
            }

            ref var version = ref Begin(hash);
            var at = Entry(found.Item);
            *link = at->Next;
            at->Place = 0;
            End(ref version);
            Interlocked.Decrement(ref _count);
            return true;
        }
    }

    /// <summary>Splits a few buckets if there are too few for the objects. Holds one stripe for one short chain at a time.</summary>
    public void Grow()
    {
        if (Count <= LoadMax * Volatile.Read(ref _bucketCount) || !_growGate.TryEnter())
        {
            return;
        }

        try
        {
            for (var i = 0; i < SplitsAtOnce && Count > LoadMax * _bucketCount; i++)
            {
                Split();
            }
        }
        finally
        {
            _growGate.Exit();
        }
    }

    private static void End(ref long version) => Volatile.Write(ref version, version + 1);

    private void Split()
    {
        var fresh = _bucketCount;
        var half = 1L << BitOperations.Log2((ulong)fresh);
        _buckets.Ensure(fresh + 1);
        // Both buckets are of one stripe, because there are never fewer buckets than stripes.
        lock (_gates[fresh & StripeMask])
        {
            ref var version = ref Begin((uint)fresh);
            var from = (uint*)_buckets.At(fresh - half);
            uint stays = 0, moves = 0;
            for (var item = *from; item != 0;)
            {
                var at = Entry(item);
                var next = at->Next;
                ref var list = ref (HashOf(at->Key) & ((2 * half) - 1)) == fresh ? ref moves : ref stays;
                at->Next = list;
                list = item;
                item = next;
            }

            *from = stays;
            *(uint*)_buckets.At(fresh) = moves;
            Volatile.Write(ref _bucketCount, fresh + 1);
            End(ref version);
        }
    }

    private ref long Begin(uint hash)
    {
        ref var version = ref _versions[hash & StripeMask].Value;
        Volatile.Write(ref version, version + 1);
        Interlocked.MemoryBarrier();
        return ref version;
    }

    private uint Walk(uint hash, FileKey key, ref long version, long before, out PackedEntry entry)
    {
        var item = Volatile.Read(ref *Bucket(hash, Volatile.Read(ref _bucketCount)));
        for (var steps = 1; item != 0; steps++)
        {
            var at = Entry(item);
            if (at->Low == key.Low && at->High == key.High)
            {
                entry = *at;
                return item;
            }

            if ((steps & 63) == 0 && Volatile.Read(ref version) != before)
            {
                break; // Led astray by a change: the caller sees it, too.
            }

            item = Volatile.Read(ref at->Next);
        }

        entry = default;
        return 0;
    }

    private uint* Bucket(uint hash, long count)
    {
        var half = 1L << BitOperations.Log2((ulong)count);
        var index = hash & ((2 * half) - 1);
        return (uint*)_buckets.At(index < count ? index : index & (half - 1));
    }

    private PackedEntry* Entry(uint item) => (PackedEntry*)_entries.At(item);

    /// <summary>An entry as it was, and the version of its stripe then.</summary>
    public readonly record struct Found(uint Item, PackedEntry Entry, long Version);

    /// <summary>Odd while its stripe changes. A cache line each, so that writers of one stripe do not disturb readers of others.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private struct Version
    {
        [FieldOffset(0)]
        public long Value;
    }
}
