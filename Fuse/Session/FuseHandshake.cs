using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Fuse.Mounting;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>INIT over the device: the first request of a mount, answered before any thread serves.</summary>
internal static class FuseHandshake
{
    /// <summary>FUSE_MIN_READ_BUFFER: the kernel refuses to be read with less.</summary>
    private const int BufferBytes = 8192;

    /// <summary>What we can make use of. Immutable versions: the kernel never drops pages by itself.</summary>
    private const FuseFeatures Useful = FuseFeatures.AsyncRead | FuseFeatures.AsyncDirectIo
        | FuseFeatures.ParallelDirectoryOperations | FuseFeatures.ReadDirPlus | FuseFeatures.ReadDirPlusAuto
        | FuseFeatures.MaxPages | FuseFeatures.CacheSymlinks | FuseFeatures.ExplicitInvalidateData
        | FuseFeatures.AbortError | FuseFeatures.HasExpireOnly | FuseFeatures.DirectIoAllowMmap;

    /// <summary>Waits for INIT and answers it; throws <see cref="FuseMountException"/>.</summary>
    public static unsafe FuseConnectionInfo Run(SafeFileHandle device, FuseSessionOptions options)
    {
        var wishes = new FuseWishes(
            Useful | (options.Passthrough ? FuseFeatures.Passthrough : FuseFeatures.None),
            checked((ushort)options.PagesMax),
            checked((ushort)options.BackgroundMax),
            (uint)options.StackDepthMax);
        using var memory = new AnonymousMemory(BufferBytes);

        // Twice at most: a kernel of a newer major asks again with ours.
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var message = Receive(device, memory, options.InitTimeout);
            var result = FuseNegotiation.Negotiate(message.Body, in wishes, out var reply);
            if (result == FuseNegotiationResult.Refused)
            {
                Reply(device, message.Header.Unique, Errno.Protocol, default);
                throw new FuseMountException(
                    FuseMountFailure.KernelTooOld,
                    $"The kernel's FUSE protocol is older than {FuseNegotiation.Major}.{FuseNegotiation.MinorMin} "
                    + "(Linux 5.4); a newer kernel is needed.");
            }

            Reply(
                device, message.Header.Unique, Errno.None,
                MemoryMarshal.AsBytes(new ReadOnlySpan<FuseInitOut>(in reply)));
            if (result == FuseNegotiationResult.Agreed)
            {
                return new FuseConnectionInfo(
                    reply.Major, reply.Minor, FuseNegotiation.Features(in reply),
                    reply.PagesMax * Environment.SystemPageSize);
            }
        }

        throw new FuseMountException(FuseMountFailure.Handshake, "The kernel does not speak FUSE protocol 7.");
    }

    private static unsafe FuseMessage Receive(SafeFileHandle device, AnonymousMemory memory, TimeSpan timeout)
    {
        nint length;
        Errno error;
        do
        {
            if (!DescriptorIo.WaitReadable(device, timeout, out error))
            {
                throw new FuseMountException(
                    FuseMountFailure.Handshake, $"The kernel sent no FUSE INIT within {timeout} ({error}).");
            }

            length = DescriptorIo.Read(device, memory.Address, BufferBytes, out error);
        }
        while (error is Errno.Interrupted or Errno.Again);

        if (error != Errno.None
            || !FuseMessage.TryParse(new ReadOnlySpan<byte>(memory.Address, (int)length), out var message)
            || message.Header.Opcode != FuseOpcode.Init)
        {
            throw new FuseMountException(
                FuseMountFailure.Handshake, $"The first message of a FUSE connection was no INIT ({error}).");
        }

        return message;
    }

    private static unsafe void Reply(SafeFileHandle device, ulong unique, Errno error, ReadOnlySpan<byte> body)
    {
        var header = new FuseOutHeader
        {
            LengthBytes = (uint)(sizeof(FuseOutHeader) + body.Length),
            Error = -(int)error,
            Unique = unique,
        };
        fixed (byte* data = body)
        {
            ReadOnlySpan<IoVector> pieces =
                [IoVector.Of(&header, sizeof(FuseOutHeader)), IoVector.Of(data, body.Length)];
            DescriptorIo.Write(device, pieces[..(body.IsEmpty ? 1 : 2)], out var failure);
            if (failure != Errno.None)
            {
                throw new FuseMountException(
                    FuseMountFailure.Handshake, $"The kernel refused the answer to FUSE INIT: {failure}.");
            }
        }
    }
}
