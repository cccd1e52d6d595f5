using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Files;
using OrleansCache.UnderStorage.Directories.Native;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>What opening a root gave.</summary>
/// <param name="Errno">0 or why not.</param>
/// <param name="Root">The open directory, when 0.</param>
internal readonly record struct OpenedRoot(int Errno, SafeFileHandle? Root);

/// <summary>
/// Opens a root directory, following links in its path this once: what they pointed to is what stays attached. Proves that it can
/// be listed and that the kernel has openat2.
/// </summary>
internal sealed class OpenRootJob(string absolutePath) : BlockingJob<OpenedRoot>
{
    protected override unsafe OpenedRoot Execute(Scratch scratch)
    {
        var bytes = EntryName.ToBytes(absolutePath);
        Array.Resize(ref bytes, bytes.Length + 1);
        int descriptor;
        fixed (byte* path = bytes)
        {
            descriptor = LibC.Open(path, LibC.OReadOnly | LibC.ODirectory | LibC.OCloseOnExec);
        }

        if (descriptor < 0)
        {
            return new OpenedRoot(Marshal.GetLastPInvokeError(), null);
        }

        var root = new SafeFileHandle(descriptor, ownsHandle: true);
        using var listing = new BeneathRoot(root).OpenForListing("", out var errno);
        if (listing is not null && LibC.GetDents64(listing, scratch.Pointer, Scratch.SizeBytes) < 0)
        {
            errno = Marshal.GetLastPInvokeError();
        }

        if (listing is null || errno != 0)
        {
            root.Dispose();
            return new OpenedRoot(errno, null);
        }

        return new OpenedRoot(0, root);
    }
}
