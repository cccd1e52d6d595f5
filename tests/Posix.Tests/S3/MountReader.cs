namespace OrleansCache.Posix.Tests.S3;

/// <summary>Reads files as a program does, and says errors by their number.</summary>
internal static class MountReader
{
    internal const int ENOENT = 2;
    internal const int EIO = 5;
    internal const int EACCES = 13;
    internal const int ESTALE = 116;

    /// <summary>A whole file from one open, in uneven pieces.</summary>
    /// <returns>Its bytes, or null and the errno of open or read.</returns>
    internal static (byte[]? Bytes, int Errno) TryRead(string path)
    {
        try
        {
            using var handle = File.OpenHandle(path);
            return (ReadAll(handle), 0);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, ENOENT);
        }
        catch (UnauthorizedAccessException)
        {
            return (null, EACCES);
        }
        catch (IOException error)
        {
            return (null, error.HResult);
        }
    }

    /// <summary>All bytes from an open file.</summary>
    internal static byte[] ReadAll(Microsoft.Win32.SafeHandles.SafeFileHandle handle)
    {
        var bytes = new byte[RandomAccess.GetLength(handle) + 1];
        var at = 0;
        int read;
        while ((read = RandomAccess.Read(handle, bytes.AsSpan(at, Math.Min(100_003, bytes.Length - at)), at)) > 0)
        {
            at += read;
        }

        return bytes[..at];
    }

    /// <summary>Runs blocking work on a thread of its own.</summary>
    internal static Task OnThread(Action work) => Task.Factory.StartNew(
        work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
