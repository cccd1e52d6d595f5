using System.Globalization;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Mounting;

/// <summary>From a checked mount point to a FUSE descriptor that is mounted there.</summary>
internal static class KernelMount
{
    /// <summary>Mounts as root, or else through fusermount3.</summary>
    public static SafeFileHandle Run(string path, FuseMountOptions options, int readBytesMax)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return Fusermount.Mount(path, HelperOptions(options, readBytesMax), options);
        }

        var device = FileOpening.TryOpen(FuseDevice.Path, OpenFlags.ReadWrite, 0, out var errno)
            ?? throw new FuseMountException(
                FuseMountFailure.NotPermitted,
                $"{FuseDevice.Path} cannot be opened ({(Errno)errno}); is FUSE in this kernel, and the device in this "
                + "container (docker run --device /dev/fuse --cap-add SYS_ADMIN)?");
        var flags = MountFlags.NoSetUserId | MountFlags.NoDevices
            | (options.ReadOnly ? MountFlags.ReadOnly : MountFlags.None);
        var error = MountCalls.Mount(
            FuseMountOptions.Source, path, FuseMountOptions.FileSystemType, flags,
            KernelOptions(device, options, readBytesMax));
        if (error == Errno.None)
        {
            return device;
        }

        device.Dispose();
        throw error == Errno.NotPermitted
            ? new FuseMountException(
                FuseMountFailure.NotPermitted,
                $"Mounting at {path} is not permitted: CAP_SYS_ADMIN is missing (docker run --cap-add SYS_ADMIN).")
            : new FuseMountException(FuseMountFailure.Refused, $"Mounting at {path} failed: {error}.");
    }

    /// <summary>The option string of mount(2).</summary>
    private static string KernelOptions(SafeFileHandle device, FuseMountOptions options, int readBytesMax)
    {
        var allowOther = options.AllowOther ?? true ? ",allow_other" : string.Empty;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"fd={device.DangerousGetHandle()},rootmode=40000,user_id=0,group_id=0,default_permissions{allowOther}")
            + $",max_read={readBytesMax}";
    }

    /// <summary>The option string of fusermount3, which adds descriptor, user and group itself.</summary>
    internal static string HelperOptions(FuseMountOptions options, int readBytesMax)
    {
        var allowOther = options.AllowOther ?? false ? ",allow_other" : string.Empty;
        var readOnly = options.ReadOnly ? "ro" : "rw";
        return $"{readOnly},nosuid,nodev,fsname={FuseMountOptions.Source},subtype=ocache,default_permissions"
            + $"{allowOther},max_read={readBytesMax}";
    }
}
