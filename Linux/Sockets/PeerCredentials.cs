using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

/// <summary>Who is at the other end of a Unix socket, as the kernel saw it when the connection was made (SO_PEERCRED).</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct PeerCredentials
{
    /// <summary>Process.</summary>
    public int ProcessId { get; init; }

    /// <summary>User.</summary>
    public uint UserId { get; init; }

    /// <summary>Group.</summary>
    public uint GroupId { get; init; }

    /// <summary>The user this process acts as.</summary>
    public static uint EffectiveUserId => SocketCalls.EffectiveUser();
}
