using FsCheck;
using FsCheck.Fluent;
using OrleansCache.BlockStore.Eviction;
using OrleansCache.BlockStore.Packed;
using OrleansCache.Files;
using Xunit.Abstractions;

namespace OrleansCache.BlockStore.Tests;

/// <summary>The index of packed objects by itself.</summary>
public sealed class PackedIndexTests(ITestOutputHelper output)
{
    [Fact]
    public void An_object_takes_at_most_64_bytes()
    {
        const int Objects = 1_000_000, ItemBytes = 20; // 16 chunks of 65,536 items: 5 % more than a million.
        Assert.Equal(ItemBytes, System.Runtime.CompilerServices.Unsafe.SizeOf<ItemRecord>());
        var index = new PackedIndex();
        var items = new ItemTable(1L << 30);
        for (var i = 0; i < Objects; i++)
        {
            Add(index, items, i, i);
        }

        var bytes = ((double)index.NativeBytes / Objects) + (ItemBytes * 1.05);
        output.WriteLine($"{bytes:f1} bytes an object");
        Assert.InRange(bytes, 1, 64);
        for (var i = 0; i < Objects; i++)
        {
            if (!index.TryFind(Key(i), out var found) || found.Entry.At != PlaceOf(i))
            {
                Assert.Fail($"object {i} is not where it was put");
            }
        }

        Assert.False(index.TryFind(Key(Objects), out _));
    }

    [Fact]
    public void It_agrees_with_a_dictionary()
    {
        var seed = (ulong)Random.Shared.NextInt64();
        output.WriteLine($"seed {seed}");
        var step =
            from kind in Gen.Choose(0, 3)
            from key in Gen.Choose(0, 5000)
            from value in Gen.Choose(0, 1 << 20)
            select (kind, key, value);
        var property = Prop.ForAll(
            step.ListOf(20_000).ToArbitrary(), Gen.Choose(0, 9000).ToArbitrary(), (steps, reserved) => Compare([.. steps], reserved));
        property.Check(Config.QuickThrowOnFailure.WithMaxTest(10).WithReplay(seed, 1));
    }

    [Fact]
    public async Task Readers_see_whole_entries_while_others_come_and_go()
    {
        const int Keys = 3000;
        var index = new PackedIndex();
        var items = new ItemTable(1L << 30);
        for (var i = 0; i < Keys; i += 3)
        {
            Add(index, items, i, i); // These stay: they must be found at every moment, also while the table grows.
        }

        using var ended = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 3).Select(reader => Task.Run(() => ReadUntil(index, Keys, new Random(reader), ended.Token))).ToList();
        var random = new Random(7);
        for (var round = 0; round < 60; round++)
        {
            for (var i = 0; i < Keys * 4; i++)
            {
                var key = i % 3 == 0 ? i + (Keys * 4) : i;
                if (random.Next(2) == 0 && index.TryRemove(Key(key), out var removed))
                {
                    items.Free(removed.Item);
                }
                else if (!index.TryFind(Key(key), out _))
                {
                    Add(index, items, key, key);
                }
                else
                {
                    var place = PlaceOf(key);
                    Assert.True(index.TryReplace(Key(key), place, place.With(PackedState.Unproven)));
                    Assert.True(index.TryReplace(Key(key), place, place));
                }
            }
        }

        await ended.CancelAsync();
        var reads = await Task.WhenAll(readers).WaitAsync(TestTier.Limit);
        output.WriteLine($"{reads.Sum()} reads");
        Assert.All(reads, count => Assert.True(count > 0));
    }

    private static long ReadUntil(PackedIndex index, int keys, Random random, CancellationToken ended)
    {
        long reads = 0;
        for (; reads == 0 || !ended.IsCancellationRequested; reads++)
        {
            var key = random.Next(keys * 8);
            if (index.TryFind(Key(key), out var found))
            {
                Assert.True(found.Entry.At.IsWhere(PlaceOf(key)), $"the entry of {key} is torn");
                Assert.Equal((Key(key), (uint)key), (found.Entry.Key, found.Entry.Checksum));
            }
            else
            {
                Assert.False(key < keys && key % 3 == 0, $"{key} was not found");
            }
        }

        return reads;
    }

    private static bool Compare(List<(int Kind, int Key, int Value)> steps, long reserved)
    {
        var index = new PackedIndex();
        index.Reserve(reserved);
        var items = new ItemTable(1L << 30);
        var model = new Dictionary<int, int>();
        foreach (var (kind, key, value) in steps)
        {
            index.Prefetch([PackedIndex.HashOf(Key(key)), PackedIndex.HashOf(Key(value))]); // Changes nothing.
            switch (kind)
            {
                case 0 when model.Remove(key):
                    Assert.True(index.TryRemove(Key(key), out var removed));
                    items.Free(removed.Item);
                    Assert.False(index.TryRead(removed.Item, out _));
                    break;
                case 1 when model.TryGetValue(key, out var old):
                    Assert.True(index.TryReplace(Key(key), PlaceOf(old), PlaceOf(value)));
                    Assert.False(index.TryReplace(Key(key), PlaceOf(value + 1), PlaceOf(0)));
                    model[key] = value;
                    break;
                default:
                    if (model.TryAdd(key, value))
                    {
                        Add(index, items, key, value);
                    }

                    break;
            }
        }

        Assert.Equal(model.Count, index.Count);
        var byItem = new HashSet<FileKey>();
        for (var item = 1u; item < index.ItemsEnd; item++)
        {
            if (index.TryRead(item, out var entry))
            {
                Assert.True(byItem.Add(entry.Key));
            }
        }

        for (var key = 0; key <= 5000; key++)
        {
            Assert.Equal(model.TryGetValue(key, out var value), index.TryFind(Key(key), out var found));
            Assert.Equal(model.ContainsKey(key), byItem.Contains(Key(key)));
            Assert.True(!model.ContainsKey(key) || found.Entry.At == PlaceOf(value));
        }

        return true;
    }

    private static FileKey Key(int n) => TestTier.Key(n);

    private static PackedPlace PlaceOf(int n) => new(PackedState.Proven, (ushort)n, n & 0xFFFFF, (n & 0xFFFF) * 16L);

    private static void Add(PackedIndex index, ItemTable items, int key, int value)
    {
        var item = items.Add(PackedIndex.HashOf(Key(key)), 0, 100, 0);
        index.Insert(item, new PackedEntry(Key(key), PlaceOf(value), 100, TestTier.Layout, (uint)key));
        index.Grow();
    }
}
