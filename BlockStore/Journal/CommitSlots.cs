using System.Buffers.Binary;
using FASTER.core;
using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Disk;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Journal;

/// <summary>
/// Where the journal's last commit is remembered: two slots of one 8 KiB file, written in turn with O_DSYNC, each with a
/// checksum. A torn write loses the newer slot only, whose commit nobody was told of. FASTER's own manager makes and
/// removes a file per commit instead, which costs several directory updates each.
/// </summary>
internal sealed class CommitSlots : ILogCommitManager, IDisposable
{
    private const int SlotBytes = 4096, HeaderBytes = 24, Slots = 2;
    private const uint Magic = 0x314A434F; // "OCJ1"

    private readonly IDiskIo _io;
    private readonly SafeFileHandle _file;
    private readonly byte[] _slot = new byte[SlotBytes];
    private byte[]? _latest;
    private long _latestNumber = -1;
    private int _next;

    public CommitSlots(IDiskIo io, string directory)
    {
        _io = io;
        _file = io.Open(
            Path.Combine(directory, "commits"), OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.DataSync);
        for (var i = 0; i < Slots; i++)
        {
            if (io.ReadFully(_file, _slot, (long)i * SlotBytes) != SlotBytes || _slot.AsSpan().IndexOfAnyExcept((byte)0) < 0)
            {
                continue; // Not written yet.
            }

            if (!IsValid(out var number, out var length))
            {
                HasDamage = true;
            }
            else if (number > _latestNumber)
            {
                _latestNumber = number;
                _latest = _slot.AsSpan(HeaderBytes, length).ToArray();
                _next = 1 - i;
            }
        }
    }

    /// <summary>A slot held something that is no commit.</summary>
    public bool HasDamage { get; }

    /// <summary>
    /// Why a slot could not be written. Kept and not thrown: FASTER swallows what a commit throws, and then nobody would
    /// ever be told how the commit ended. The journal looks here before it calls a commit durable.
    /// </summary>
    public IOException? Failure { get; private set; }

    public void Commit(long beginAddress, long untilAddress, byte[] commitMetadata, long commitNum, bool forceWriteMetadata)
    {
        if (Failure is not null)
        {
            return; // What the torn slot held is unknown: the other one, which is whole, must stay.
        }

        var slot = _slot.AsSpan();
        slot.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(slot, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(slot[8..], commitNum);
        BinaryPrimitives.WriteInt32LittleEndian(slot[16..], commitMetadata.Length);
        commitMetadata.CopyTo(slot[HeaderBytes..]);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[4..], Crc32C.Compute(slot[8..(HeaderBytes + commitMetadata.Length)]));
        try
        {
            _io.Write(_file, slot, (long)_next * SlotBytes);
        }
        catch (IOException exception)
        {
            Failure = exception;
            return;
        }

        _next = 1 - _next;
        (_latest, _latestNumber) = (commitMetadata, commitNum);
    }

    public byte[]? GetCommitMetadata(long commitNum) => commitNum == _latestNumber ? _latest : null;

    public IEnumerable<long> ListCommits() => _latest is null ? [] : [_latestNumber];

    public void RemoveCommit(long commitNum)
    {
    }

    public void RemoveAllCommits()
    {
    }

    public void OnRecovery(long commitNum)
    {
    }

    public void Dispose() => _file.Dispose();

    private bool IsValid(out long number, out int length)
    {
        var slot = _slot.AsSpan();
        number = BinaryPrimitives.ReadInt64LittleEndian(slot[8..]);
        length = BinaryPrimitives.ReadInt32LittleEndian(slot[16..]);
        return BinaryPrimitives.ReadUInt32LittleEndian(slot) == Magic
            && length is >= 0 and <= SlotBytes - HeaderBytes
            && BinaryPrimitives.ReadUInt32LittleEndian(slot[4..]) == Crc32C.Compute(slot[8..(HeaderBytes + length)]);
    }
}
