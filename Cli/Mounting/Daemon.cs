using System.Text;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.Cli.Mounting;

/// <summary>
/// This process as a daemon: a session of its own, standard error in the log, nothing else of whoever started it. Standard
/// output stays a pipe until the one line is said. Make it before anything uses the console, which copies descriptors.
/// </summary>
internal sealed class Daemon : IDisposable
{
    private const int StandardInputNumber = 0;
    private const int StandardOutputNumber = 1;
    private const int StandardErrorNumber = 2;

    private readonly SafeFileHandle _pipe = new(StandardOutputNumber, ownsHandle: false);
    private bool _said;

    /// <summary>Cuts the ties, except the pipe.</summary>
    public static void Detach(string logFile)
    {
        ProcessCalls.TryStartSession();
        Directory.CreateDirectory(Path.GetDirectoryName(logFile)!);
        using var log = new FileStream(logFile, new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead,
        });
        Redirect(log.SafeFileHandle, StandardErrorNumber);
        using var nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Redirect(nothing, StandardInputNumber);

        // Not the caller's folder: it may want to unmount or delete it.
        Environment.CurrentDirectory = "/";
    }

    /// <summary>Says the line and lets the pipe go; only the first counts.</summary>
    public void Say(ReadyLine line)
    {
        if (_said)
        {
            return;
        }

        _said = true;
        try
        {
            using var stream = new FileStream(_pipe, FileAccess.Write, bufferSize: 0);
            stream.Write(Encoding.UTF8.GetBytes(line.ToText() + "\n"));
        }
        catch (IOException)
        {
            // The command that started us has gone; the mount serves all the same.
        }

        using var nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Redirect(nothing, StandardOutputNumber);
    }

    /// <inheritdoc/>
    public void Dispose() => _pipe.Dispose();

    private static void Redirect(SafeFileHandle to, int number)
    {
        var error = ProcessCalls.Redirect(to, number);
        if (error != Errno.None)
        {
            throw new IOException($"descriptor {number} cannot be redirected: {error}");
        }
    }
}
