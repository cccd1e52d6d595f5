using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

/// <summary>realpath(3): a path without symbolic links, as the kernel's own tables spell it.</summary>
public static unsafe partial class RealPath
{
    private const int PathBytesMax = 4096;

    /// <summary>The resolved path, or null when some part of it cannot be reached.</summary>
    public static string? Get(string path)
    {
        var buffer = stackalloc byte[PathBytesMax];
        return NativeRealPath(path, buffer) is null ? null : Marshal.PtrToStringUTF8((nint)buffer);
    }

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8)]
    private static partial byte* NativeRealPath(string path, byte* resolved);
}
