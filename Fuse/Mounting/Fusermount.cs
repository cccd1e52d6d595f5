using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Mounting;

/// <summary>
/// Mounts without root: the set-user-id helper fusermount3 mounts and sends the FUSE descriptor back over a Unix
/// socket, whose number it finds in _FUSE_COMMFD.
/// </summary>
internal static class Fusermount
{
    private const string SocketVariable = "_FUSE_COMMFD";

    public static SafeFileHandle Mount(string path, string mountOptions, FuseMountOptions options)
    {
        var (ours, theirs) = DescriptorPassing.CreatePair(inheritSecond: true);
        using (ours)
        {
            Process process;
            using (theirs)
            {
                process = Start(options, theirs, ["-o", mountOptions, "--", path]);
            }

            using (process)
            {
                SafeFileHandle? device = null;
                if (DescriptorIo.WaitReadable(ours, options.HelperTimeout, out _))
                {
                    device = DescriptorPassing.Receive(ours, out _);
                }

                var complaint = Finish(process, options);
                return device ?? throw new FuseMountException(
                    FuseMountFailure.NotPermitted,
                    $"{options.FusermountPath} could not mount {path}: {complaint}");
            }
        }
    }

    public static void Unmount(string path, bool forced, FuseMountOptions options)
    {
        string[] arguments = forced ? ["-u", "-z", "--", path] : ["-u", "--", path];
        using var process = Start(options, null, arguments);
        var complaint = Finish(process, options);
        if (process.HasExited && process.ExitCode == 0)
        {
            return;
        }

        throw complaint.Contains("busy", StringComparison.OrdinalIgnoreCase)
            ? Unmounting.Busy(path)
            : new FuseMountException(
                FuseMountFailure.NotPermitted,
                $"Unmounting {path} needs root or the owner of the mount; {options.FusermountPath} said: {complaint}");
    }

    private static Process Start(FuseMountOptions options, SafeFileHandle? socket, string[] arguments)
    {
        var start = new ProcessStartInfo(options.FusermountPath, arguments) { RedirectStandardError = true };
        if (socket is not null)
        {
            start.Environment[SocketVariable] =
                socket.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);
        }

        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new FuseMountException(
                FuseMountFailure.NotPermitted,
                $"Without root a mount needs {options.FusermountPath} (package fuse3), which did not start: "
                + exception.Message);
        }
    }

    /// <summary>Waits for the end within the timeout; a helper that hangs is killed.</summary>
    private static string Finish(Process process, FuseMountOptions options)
    {
        if (!process.WaitForExit(options.HelperTimeout))
        {
            process.Kill();
            return $"it did not end within {options.HelperTimeout}";
        }

        return process.StandardError.ReadToEnd().Trim();
    }
}
