using Microsoft.Win32.SafeHandles;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>What came back for a request, before it is what the caller asked for.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="WasResident">Whether nothing had to be fetched.</param>
/// <param name="Bytes">Bytes read into the caller's buffer.</param>
/// <param name="Payload">Payload of an answer that is not a read.</param>
/// <param name="Descriptor">The descriptor that came with it.</param>
internal readonly record struct RawAnswer(
    ReadStatus Status, bool WasResident = false, int Bytes = 0, byte[]? Payload = null, SafeFileHandle? Descriptor = null);
