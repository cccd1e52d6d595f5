using Microsoft.Win32.SafeHandles;

namespace OrleansCache.Linux;

/// <summary>
/// A descriptor of a socket or an eventfd. The handle counts its users, so the number is never reused under a thread that is
/// still in a system call with it.
/// </summary>
public sealed class SafeSocket : SafeHandleZeroOrMinusOneIsInvalid
{
    /// <summary>For the marshaller.</summary>
    public SafeSocket()
        : base(ownsHandle: true)
    {
    }

    internal SafeSocket(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => SocketCalls.Close((int)handle) == 0;
}
