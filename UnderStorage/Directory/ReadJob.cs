using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Files;
using OrleansCache.UnderStorage.Directories.Native;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>How one attempt to read ended.</summary>
/// <param name="Status">How, when <paramref name="RetryAfter"/> is zero.</param>
/// <param name="RetryAfter">When not zero: the version cannot be proven before.</param>
internal readonly record struct ReadAttempt(ReadStatus Status, TimeSpan RetryAfter = default);

/// <summary>
/// One attempt to read a range of one version: look at the version, see whether it can be proven, read, look again. Bytes go
/// through the thread's scratch, so a read that hangs past its deadline never writes into memory the caller has taken back.
/// </summary>
internal sealed class ReadJob(
    BeneathRoot root, FileInspector inspector, OpenFileCache openFiles, TimeProvider time,
    string path, FileId file, FileVersion version, long offsetBytes, Memory<byte> destination) : BlockingJob<ReadAttempt>
{
    protected override ReadAttempt Execute(Scratch scratch)
    {
        var cached = openFiles.TryGet(file);
        if (cached is not null)
        {
            var attempt = Attempt(cached, scratch);
            if (attempt.Status is not (ReadStatus.StaleVersion or ReadStatus.Unavailable))
            {
                return attempt;
            }

            // An open descriptor of a network file system may know less than a new one (close-to-open): ask once more.
        }

        var opened = TryOpen(out var failure);
        if (opened is null)
        {
            return new ReadAttempt(failure);
        }

        openFiles.Put(opened);
        return Attempt(opened, scratch);
    }

    private ReadAttempt Attempt(OpenFile open, Scratch scratch)
    {
        try
        {
            var attempt = ReadProven(open, scratch);
            if (attempt.Status != ReadStatus.Ok)
            {
                openFiles.Drop(open);
            }

            return attempt;
        }
        finally
        {
            open.Release();
        }
    }

    private ReadAttempt ReadProven(OpenFile open, Scratch scratch)
    {
        var errno = open.Observe(out var before, out var observedFor);
        if (errno != 0)
        {
            return new ReadAttempt(ErrnoStatus.Of(errno));
        }

        if (before != version)
        {
            return new ReadAttempt(ReadStatus.StaleVersion);
        }

        var remaining = open.RemainingUntilProof(before, observedFor);
        if (remaining > TimeSpan.Zero)
        {
            return new ReadAttempt(ReadStatus.Ok, remaining);
        }

        var status = ReadPieces(open, scratch);
        if (status != ReadStatus.Ok)
        {
            return new ReadAttempt(status);
        }

        errno = open.Observe(out var after, out _);
        return new ReadAttempt(
            errno != 0 ? ErrnoStatus.Of(errno) : after == version ? ReadStatus.Ok : ReadStatus.StaleVersion);
    }

    private ReadStatus ReadPieces(OpenFile open, Scratch scratch)
    {
        var done = 0;
        while (done < destination.Length)
        {
            var piece = scratch.Span[..Math.Min(Scratch.SizeBytes, destination.Length - done)];
            var read = LibC.Pread(open.Handle, piece, offsetBytes + done);
            if (read < 0)
            {
                return ErrnoStatus.Of(Marshal.GetLastPInvokeError());
            }

            if (read == 0)
            {
                return ReadStatus.StaleVersion; // shorter than its version says: it was truncated meanwhile
            }

            if (!Deliver(scratch, done, read))
            {
                return ReadStatus.DeadlineExceeded;
            }

            done += read;
        }

        return ReadStatus.Ok;
    }

    private unsafe bool Deliver(Scratch scratch, int at, int count) => WhileCallerWaits(
        (Bytes: (nint)scratch.Pointer, Destination: destination.Slice(at, count)),
        static state => new ReadOnlySpan<byte>((void*)state.Bytes, state.Destination.Length).CopyTo(state.Destination.Span));

    private OpenFile? TryOpen(out ReadStatus failure)
    {
        // First without opening the file itself: to open a device can already do something.
        using (var look = root.OpenForStat(path, out var lookErrno))
        {
            failure = look is null ? ErrnoStatus.Of(lookErrno) : Check(look, out _);
            if (failure != ReadStatus.Ok)
            {
                return null;
            }
        }

        var handle = root.OpenForReading(path, out var errno);
        if (handle is null)
        {
            failure = ErrnoStatus.Of(errno);
            return null;
        }

        failure = Check(handle, out var facts);
        if (failure != ReadStatus.Ok)
        {
            handle.Dispose();
            return null;
        }

        LibC.AdviseSequentialReads(handle);
        return new OpenFile(handle, file, facts, time);
    }

    private ReadStatus Check(SafeFileHandle handle, out FileSystemFacts facts)
    {
        var errno = inspector.Inspect(handle, forceSync: false, out var metadata, out facts);
        return errno != 0 ? ErrnoStatus.Of(errno)
            : metadata.Id != file || metadata.Kind != FileKind.File ? ReadStatus.StaleVersion
            : ReadStatus.Ok;
    }
}
