using System.Diagnostics;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// The outcome of one operation, made here or by <see cref="FuseRequest"/>; the session writes it when the operation
/// returns.
/// The default value is no reply and a bug.
/// </summary>
internal readonly unsafe struct FuseReply
{
    private FuseReply(FuseReplyKind kind, Errno error, int lengthBytes, byte* external)
    {
        Kind = kind;
        ErrorNumber = error;
        LengthBytes = lengthBytes;
        External = external;
    }

    /// <summary>The reply was taken away with <see cref="FuseRequest.Defer"/>.</summary>
    public static FuseReply Deferred => new(FuseReplyKind.Deferred, Errno.None, 0, null);

    /// <summary>Success without data.</summary>
    public static FuseReply Ok => OfBuffer(0);

    /// <summary>The data after the header are these: memory that stays valid after the operation returned.</summary>
    public static FuseReply DataAt(byte* data, int lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        return new FuseReply(FuseReplyKind.External, Errno.None, lengthBytes, data);
    }

    public static FuseReply Error(Errno error)
    {
        Debug.Assert(error != Errno.None, "Success is Ok.");
        return new FuseReply(FuseReplyKind.Error, error, 0, null);
    }

    internal FuseReplyKind Kind { get; }

    internal Errno ErrorNumber { get; }

    /// <summary>Of the data after the header.</summary>
    internal int LengthBytes { get; }

    /// <summary>Data outside the thread's reply buffer.</summary>
    internal byte* External { get; }

    internal static FuseReply OfBuffer(int lengthBytes) => new(FuseReplyKind.Buffer, Errno.None, lengthBytes, null);
}

internal enum FuseReplyKind : byte
{
    Missing = 0,
    Error,
    Buffer,
    External,
    Deferred,
}
