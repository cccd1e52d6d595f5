using System.Runtime.InteropServices;
using OrleansCache.Files;
using OrleansCache.Linux;
using OrleansCache.UnderStorage.Directories.Native;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>Target of one symbolic link.</summary>
internal sealed class ReadLinkJob(BeneathRoot root, string path) : BlockingJob<LinkOutcome>
{
    protected override unsafe LinkOutcome Execute(Scratch scratch)
    {
        using var handle = root.OpenForStat(path, out var errno);
        if (handle is null)
        {
            return new LinkOutcome(ErrnoStatus.Of(errno), "");
        }

        nint length;
        ReadOnlySpan<byte> empty = [0];
        fixed (byte* name = empty)
        {
            length = LibC.ReadLinkAt(handle, name, scratch.Pointer, Scratch.SizeBytes);
        }

        if (length >= 0)
        {
            return new LinkOutcome(ReadStatus.Ok, EntryName.FromBytes(scratch.Span[..(int)length]));
        }

        // ENOENT and EINVAL say that this is no link: with an empty name the descriptor itself is asked.
        var failure = (Errno)Marshal.GetLastPInvokeError();
        return new LinkOutcome(
            failure is Errno.Invalid or Errno.NoEntry ? ReadStatus.InvalidRequest : ErrnoStatus.Of((int)failure), "");
    }
}
