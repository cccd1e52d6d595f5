using System.Runtime.InteropServices;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>
/// A thread's own buffer: what a hung read fills later must not be the caller's memory. Native, so that it is never moved or
/// zeroed; made at first use.
/// </summary>
internal sealed unsafe class Scratch : IDisposable
{
    /// <summary>Largest single pread: enough for the full speed of a network file system, short enough to stop soon.</summary>
    public const int SizeBytes = 1 << 20;

    private byte* _buffer;

    /// <summary>The buffer.</summary>
    public byte* Pointer => _buffer != null ? _buffer : _buffer = (byte*)NativeMemory.Alloc(SizeBytes);

    /// <summary>The buffer.</summary>
    public Span<byte> Span => new(Pointer, SizeBytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_buffer);
        _buffer = null;
    }
}
