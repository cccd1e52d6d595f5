namespace Orleans.Runtime.Messaging;

/// <summary>What a frame is.</summary>
internal enum FrameKind : byte
{
    Hello = 1,
    Welcome = 2,
    Refused = 3,
    Request = 4,
    Response = 5,
    Cancel = 6,
    Ping = 7,
    Pong = 8,
    Bye = 9,
}

/// <summary>A frame is a four-byte length, the version, the kind, then tagged header fields; unknown ones are skipped.
/// Arguments and results come last, in a block.</summary>
internal static class Frames
{
    public const byte Version = 1;
    /// <summary>Starts every hello: "OLIT".</summary>
    public const uint Magic = 0x54494C4F;

    /// <summary>The engine is part of the cluster's name, so that a silo and a client of different engines refuse each
    /// other.</summary>
    public const string EnginePrefix = "orleans-lite/";
    /// <summary>Version and kind.</summary>
    public const int SmallestFrame = 2;
    /// <summary>A hello is two names; nothing larger is read from a stranger.</summary>
    public const int LargestHello = 4096;
    /// <summary>A welcome lists the grain interfaces.</summary>
    public const int LargestWelcome = 1 << 20;

    public static int Begin(WireWriter writer, FrameKind kind)
    {
        var start = writer.BeginBlock();
        writer.Byte(Version);
        writer.Byte((byte)kind);
        return start;
    }
}

/// <summary>A peer broke the protocol; the connection is closed.</summary>
internal sealed class BadPeerException(string message, Exception? innerException = null)
    : Exception(message, innerException);
