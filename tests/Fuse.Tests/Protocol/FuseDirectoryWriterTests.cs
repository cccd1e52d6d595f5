using System.Runtime.InteropServices;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Tests.Protocol;

public sealed class FuseDirectoryWriterTests
{
    [Fact]
    public void What_was_written_reads_back_and_never_passes_the_room() =>
        Prop.ForAll<NonEmptyString[], NonNegativeInt, bool>((names, room, plus) =>
        {
            var buffer = new byte[(room.Get * 37) % 4096];
            var written = Write(buffer, [.. names.Select(Name)], plus, out var used);
            return used <= buffer.Length && used % 8 == 0
                && Read(buffer.AsSpan(0, used), plus).SequenceEqual(names.Take(written).Select(Name));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Padding_never_shows_what_was_in_the_buffer()
    {
        var buffer = new byte[256];
        Array.Fill(buffer, (byte)0xEE);
        var writer = new FuseDirectoryWriter(buffer);
        Assert.True(writer.TryAdd("a"u8, 1, FuseMode.Regular, 1));
        Assert.Equal(32, writer.UsedBytes);
        Assert.All(buffer[25..32], padding => Assert.Equal(0, padding));
    }

    [Fact]
    public void A_refused_entry_leaves_the_buffer_alone()
    {
        var buffer = new byte[32 + 31];
        var writer = new FuseDirectoryWriter(buffer);
        Assert.True(writer.TryAdd("a"u8, 1, FuseMode.Regular, 1));
        Assert.False(writer.TryAdd("b"u8, 1, FuseMode.Regular, 2));
        Assert.Equal(32, writer.UsedBytes);
        Assert.All(buffer[32..], untouched => Assert.Equal(0, untouched));
    }

    private static string Name(NonEmptyString text)
    {
        var name = text.Get.Replace('/', '_').Replace('\0', '_');
        return name.Length > 100 ? name[..100] : name;
    }

    private static int Write(byte[] buffer, string[] names, bool plus, out int used)
    {
        var writer = new FuseDirectoryWriter(buffer);
        var count = 0;
        foreach (var name in names)
        {
            var entry = new FuseEntryOut { NodeId = 9, Attributes = { Inode = 9, Mode = FuseMode.Regular } };
            var bytes = Encoding.UTF8.GetBytes(name);
            if (!(plus ? writer.TryAddPlus(bytes, in entry, 5) : writer.TryAdd(bytes, 9, FuseMode.Regular, 5)))
            {
                break;
            }

            count++;
        }

        used = writer.UsedBytes;
        return count;
    }

    private static List<string> Read(ReadOnlySpan<byte> bytes, bool plus)
    {
        var names = new List<string>();
        while (!bytes.IsEmpty)
        {
            var head = plus ? 128 : 0;
            Assert.True(!plus || MemoryMarshal.Read<FuseEntryOut>(bytes).NodeId == 9);
            var entry = MemoryMarshal.Read<FuseDirectoryEntry>(bytes[head..]);
            Assert.Equal((9ul, 5ul, 8u), (entry.Inode, entry.NextOffset, entry.Type));
            names.Add(Encoding.UTF8.GetString(bytes.Slice(head + 24, (int)entry.NameBytes)));
            bytes = bytes[((head + 24 + (int)entry.NameBytes + 7) & ~7)..];
        }

        return names;
    }
}
