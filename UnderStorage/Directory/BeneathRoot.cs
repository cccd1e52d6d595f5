using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;
using OrleansCache.UnderStorage.Directories.Native;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>
/// The root directory of a source and the only way to open anything in it: openat2 beneath the root's descriptor, following no
/// link of any kind, so that no path and no link swapped in during the walk leads out. Thread-safe.
/// </summary>
internal sealed unsafe class BeneathRoot(SafeFileHandle root) : IDisposable
{
    /// <summary>The kernel says EAGAIN when a rename races with the walk; 16 lost races in a row are somebody's attack.</summary>
    private const int MaxRaces = 16;

    /// <summary>Descriptor for questions only: attributes, identity, link target.</summary>
    public SafeFileHandle? OpenForStat(string path, out int errno) => Open(path, LibC.OPath | LibC.ONoFollow, out errno);

    /// <summary>Directory to list.</summary>
    public SafeFileHandle? OpenForListing(string path, out int errno) =>
        Open(path, LibC.OReadOnly | LibC.ODirectory | LibC.ONoFollow, out errno);

    /// <summary>File to read; a pipe in its place does not block the open.</summary>
    public SafeFileHandle? OpenForReading(string path, out int errno) =>
        Open(path, LibC.OReadOnly | LibC.ONonBlock | LibC.ONoFollow, out errno);

    /// <inheritdoc/>
    public void Dispose() => root.Dispose();

    private SafeFileHandle? Open(string path, int flags, out int errno)
    {
        var native = SourcePath.ToNative(path);
        if (native is null)
        {
            errno = (int)Errno.NoEntry;
            return null;
        }

        var how = new OpenHow
        {
            Flags = (ulong)(uint)(flags | LibC.OCloseOnExec),
            Resolve = OpenHow.Beneath | OpenHow.NoMagicLinks | OpenHow.NoSymlinks,
        };
        errno = 0;
        for (var race = 0; race < MaxRaces; race++)
        {
            int descriptor;
            fixed (byte* name = native)
            {
                descriptor = LibC.OpenAt2(root, name, &how);
            }

            if (descriptor >= 0)
            {
                return new SafeFileHandle(descriptor, ownsHandle: true);
            }

            errno = Marshal.GetLastPInvokeError();
            if (errno != (int)Errno.Again)
            {
                return null;
            }
        }

        return null;
    }
}
