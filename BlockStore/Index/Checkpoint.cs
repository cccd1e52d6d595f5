using System.Runtime.InteropServices;
using OrleansCache.BlockStore.Disk;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Index;

/// <summary>
/// The index as a file: what the journal said before an address, so that the journal may be truncated there. It may show
/// the effect of later records, too: replaying them again is harmless, for each record sets a state and does not change one.
/// Written beside the old one, synced, renamed; the last four bytes are the checksum of all before.
/// </summary>
internal static class Checkpoint
{
    private const ulong Magic = 0x3154504B434F; // "OCKPT1"
    private const int Version = 2, VersionWithoutPacked = 1;
    private const int UnprovenBit = 1 << 30;
    private const int BufferBytes = 1 << 20;

    /// <summary>Writes it; the packed objects write their part themselves. Returns its length.</summary>
    public static long Write(
        IDiskIo io, string path, long journalAddress, ulong bootTag, IEnumerable<CachedFile> files, Func<CachedFile, TimeSpan> ageOf,
        Action<Stream> writePacked)
    {
        long length;
        var temporary = path + ".new";
        using (var handle = io.Open(temporary, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Truncate))
        {
            using var stream = new ChecksumStream(io, handle);
            using var scratch = new MemoryStream();
            using var writer = new BinaryWriter(scratch);
            writer.Write(Magic);
            writer.Write(Version);
            writer.Write(journalAddress);
            writer.Write(bootTag);
            foreach (var file in files)
            {
                WriteFile(writer, file, ageOf(file));
                Flush(scratch, stream);
            }

            writer.Write((byte)0);
            Flush(scratch, stream);
            writePacked(stream);
            length = stream.WriteChecksum();
            io.Sync(handle);
        }

        io.Rename(temporary, path);
        io.SyncDirectory(Path.GetDirectoryName(path)!);
        return length;
    }

    /// <summary>Reads it; null if there is none, an exception of <see cref="InvalidDataException"/> if it is damaged.</summary>
    public static long? Read(IDiskIo io, string path, CheckpointVisitor visit, Action<ulong, Stream> readPacked)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        VerifyChecksum(io, path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, BufferBytes);
        using var reader = new BinaryReader(stream);
        var isOurs = reader.ReadUInt64() == Magic;
        var version = reader.ReadInt32();
        if (!isOurs || version is not (Version or VersionWithoutPacked))
        {
            throw new InvalidDataException($"{path} is of an unknown version");
        }

        var journalAddress = reader.ReadInt64();
        var bootTag = reader.ReadUInt64();
        while (reader.ReadByte() == 1)
        {
            ReadFile(reader, bootTag, visit);
        }

        if (version != VersionWithoutPacked)
        {
            readPacked(bootTag, stream);
        }

        return journalAddress;
    }

    private static void Flush(MemoryStream scratch, ChecksumStream to)
    {
        to.Write(scratch.GetBuffer().AsSpan(0, (int)scratch.Length));
        scratch.SetLength(0);
    }

    private static void WriteFile(BinaryWriter writer, CachedFile file, TimeSpan age)
    {
        var shape = file.Shape;
        lock (file.Gate)
        {
            if (file.PresentBlocks == 0)
            {
                return;
            }

            writer.Write((byte)1);
            writer.Write(shape.Key.High);
            writer.Write(shape.Key.Low);
            writer.Write(shape.Source.Value);
            writer.Write(shape.LengthBytes);
            writer.Write(shape.Layout.BlockSizeBytes);
            writer.Write((long)age.TotalMilliseconds);
            writer.Write(file.PresentBlocks);
            for (var block = 0; block < shape.BlockCount; block++)
            {
                if (file.IsPresent(block))
                {
                    writer.Write(block | (file.IsUnproven(block) ? UnprovenBit : 0));
                    writer.Write(MemoryMarshal.AsBytes(file.Crcs(block).AsSpan()));
                }
            }
        }
    }

    private static void ReadFile(BinaryReader reader, ulong bootTag, CheckpointVisitor visit)
    {
        var key = new FileKey(reader.ReadUInt64(), reader.ReadUInt64());
        var source = new SourceId(reader.ReadUInt64());
        var shape = new FileShape(key, reader.ReadInt64(), new BlockLayout(reader.ReadInt32()), source);
        var age = TimeSpan.FromMilliseconds(reader.ReadInt64());
        var blocks = reader.ReadInt32();
        if (!shape.IsValid || blocks < 0 || blocks > shape.BlockCount)
        {
            throw new InvalidDataException($"the checkpoint's entry of {key} makes no sense");
        }

        for (var i = 0; i < blocks; i++)
        {
            var word = reader.ReadInt32();
            var block = word & ~UnprovenBit;
            if ((uint)block >= (uint)shape.BlockCount)
            {
                throw new InvalidDataException($"the checkpoint's entry of {key} has a block {block} of {shape.BlockCount}");
            }

            var crcs = new uint[shape.CrcCount(block)];
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(crcs.AsSpan()));
            visit(bootTag, shape, block, crcs, (word & UnprovenBit) != 0, age);
        }
    }

    private static void VerifyChecksum(IDiskIo io, string path)
    {
        using var file = io.Open(path, OpenFlags.ReadOnly);
        var left = RandomAccess.GetLength(file) - sizeof(uint);
        var buffer = new byte[BufferBytes];
        var crc = ~0u;
        long at = 0;
        while (left > 0)
        {
            var read = io.Read(file, buffer.AsSpan(0, (int)Math.Min(left, buffer.Length)), at);
            if (read == 0)
            {
                break;
            }

            crc = Crc32C.Update(crc, buffer.AsSpan(0, read));
            at += read;
            left -= read;
        }

        var stored = 0u;
        io.ReadFully(file, MemoryMarshal.AsBytes(new Span<uint>(ref stored)), at);
        if (left != 0 || stored != ~crc)
        {
            throw new InvalidDataException($"{path} is damaged");
        }
    }

    /// <summary>Buffers, writes, and keeps the checksum.</summary>
    private sealed class ChecksumStream(IDiskIo io, Microsoft.Win32.SafeHandles.SafeFileHandle handle) : Stream
    {
        private readonly byte[] _buffer = new byte[BufferBytes];
        private int _filled;
        private long _written;
        private uint _crc = ~0u;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        /// <summary>Ends it; the length.</summary>
        public long WriteChecksum()
        {
            Drain();
            var crc = ~_crc;
            io.Write(handle, MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(ref crc)), _written);
            return _written + sizeof(uint);
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            while (buffer.Length > 0)
            {
                var part = buffer[..Math.Min(buffer.Length, _buffer.Length - _filled)];
                part.CopyTo(_buffer.AsSpan(_filled));
                _filled += part.Length;
                buffer = buffer[part.Length..];
                if (_filled == _buffer.Length)
                {
                    Drain();
                }
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        private void Drain()
        {
            var bytes = _buffer.AsSpan(0, _filled);
            _crc = Crc32C.Update(_crc, bytes);
            io.Write(handle, bytes, _written);
            _written += _filled;
            _filled = 0;
        }
    }
}

/// <summary>Sees one block of a checkpoint.</summary>
internal delegate void CheckpointVisitor(
    ulong bootTag, FileShape shape, int block, uint[] crcs, bool unproven, TimeSpan age);
