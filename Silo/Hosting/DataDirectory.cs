using System.Text;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;
using OrleansCache.Silo.Configuration;
using SystemPath = System.IO.Path;

namespace OrleansCache.Silo.Hosting;

/// <summary>
/// The silo's own directory: grain state, sealing key, socket. Belongs to one running silo, by an flock that ends with the
/// process, however it ends.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private const string Format = "ocache-data 1\n";
    private readonly SafeFileHandle _lock;

    private DataDirectory(string path, SafeFileHandle @lock) => (Path, _lock) = (path, @lock);

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Grain state.</summary>
    public string GrainsDatabase => SystemPath.Combine(Path, "grains.db");

    /// <summary>Directories as they were listed: a cache.</summary>
    public string ListingsDatabase => SystemPath.Combine(Path, "listings.db");

    /// <summary>Opens it, creating it if its parent is there, and locks it.</summary>
    public static DataDirectory Open(string path, bool isDefault)
    {
        UsableDirectory.Prepare(path, Setting.DataDir.Flag, createParents: isDefault);
        SafeFileHandle? handle = null;
        try
        {
            handle = FileOpening.Open(SystemPath.Combine(path, "lock"), OpenFlags.ReadWrite | OpenFlags.Create);
            if (!FileLock.TryLockExclusive(handle))
            {
                throw SiloStartException.Failure(
                    $"data directory {path} is used by another silo; stop that one or give this one its own with --data-dir DIR");
            }

            CheckFormat(SystemPath.Combine(path, "format"));
            return new DataDirectory(path, handle);
        }
        catch (LinuxFileException exception)
        {
            handle?.Dispose();
            throw UsableDirectory.Refused(path, Setting.DataDir.Flag, exception);
        }
        catch
        {
            handle?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    private static void CheckFormat(string file)
    {
        if (!File.Exists(file))
        {
            DurableFile.Write(file, Encoding.ASCII.GetBytes(Format));
            return;
        }

        var found = File.ReadAllText(file);
        if (found != Format)
        {
            throw SiloStartException.Failure(
                $"{file} says '{found.Trim()}', this silo knows '{Format.Trim()}'; use the version that wrote it, or another --data-dir");
        }
    }
}
