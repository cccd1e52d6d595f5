using System.Text;
using OrleansCache.Files;

namespace OrleansCache.Cli.Transfer;

/// <summary>What a copy did.</summary>
/// <param name="Path">From.</param>
/// <param name="Destination">To.</param>
/// <param name="Files">Files copied.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Elapsed">Time it took.</param>
internal sealed record CopyResult(string Path, string Destination, long Files, long Bytes, TimeSpan Elapsed);

/// <summary>
/// Copies files, directories and links out of the cache with mode and mtime. A file appears under its name only when it is
/// complete: it is written beside it and renamed.
/// </summary>
internal sealed class TreeCopy(CacheClient client, TimeProvider time)
{
    private const UnixFileMode AllPermissions = (UnixFileMode)0x1FF;

    /// <summary>Of this process's temporary files: short, for a name may already be as long as Linux allows.</summary>
    private long _temporaries;
    private long _files;
    private long _bytes;

    /// <summary>Copies.</summary>
    public async Task<CopyResult> RunAsync(string path, string local, bool recursive, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var entry = await client.StatAsync(path, cancellationToken).ConfigureAwait(false);
        if (entry.Kind == FileKind.Directory && !recursive)
        {
            throw new CommandFailedException(ExitCode.Usage, $"{entry.Path} is a directory", "use `ocache cp -r` to copy it");
        }

        var destination = Path.GetFullPath(local);
        if (Directory.Exists(destination) && entry.Name.Length > 0)
        {
            destination = Path.Combine(destination, LocalName(entry.Name, entry.Path));
        }

        if (entry.Kind == FileKind.Directory)
        {
            await CopyDirectoryAsync(entry, destination, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            // A link that is named is followed, as cp does; links inside a tree are copied as links.
            await CopyFileAsync(entry.Path, destination, cancellationToken).ConfigureAwait(false);
        }

        return new CopyResult(entry.Path, destination, _files, _bytes, time.GetElapsedTime(started));
    }

    private async Task CopyDirectoryAsync(CacheEntry directory, string destination, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(destination);
        await foreach (var entry in client.ListAsync(directory.Path, cancellationToken).ConfigureAwait(false))
        {
            var target = Path.Combine(destination, LocalName(entry.Name, entry.Path));
            switch (entry.Kind)
            {
                case FileKind.Directory:
                    await CopyDirectoryAsync(entry, target, cancellationToken).ConfigureAwait(false);
                    break;
                case FileKind.File:
                    await CopyFileAsync(entry.Path, target, cancellationToken).ConfigureAwait(false);
                    break;
                case FileKind.Symlink:
                    var link = await client.ReadLinkAsync(entry.Path, cancellationToken).ConfigureAwait(false);
                    CheckBytes(link, $"the target of the link {entry.Path}");
                    File.Delete(target);
                    File.CreateSymbolicLink(target, link);
                    break;
                default:
                    break; // Devices, sockets and pipes have no content to copy.
            }
        }

        File.SetUnixFileMode(destination, ((UnixFileMode)directory.Mode & AllPermissions) | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>A name of the namespace as one of a local file: the same bytes, and never a way out of the directory.</summary>
    private static string LocalName(string name, string path)
    {
        if (name is "." or ".." || name.AsSpan().ContainsAny('/', '\0'))
        {
            throw new CommandFailedException(ExitCode.Failed, $"{path} has a name no local file can have", string.Empty);
        }

        CheckBytes(name, $"the name of {path}");
        return name;
    }

    // Under another name two files could become one.
    private static void CheckBytes(string text, string what)
    {
        if (!EntryName.ToBytes(text).AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(text)))
        {
            throw new CommandFailedException(
                ExitCode.Failed, $"{what} is not UTF-8, which this command cannot write", "mount the namespace and copy from there");
        }
    }

    private async Task CopyFileAsync(string path, string destination, CancellationToken cancellationToken)
    {
        var file = await client.OpenReadAsync(path, cancellationToken).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            var temporary = Path.Combine(
                Path.GetDirectoryName(destination)!, $".ocache-{Environment.ProcessId}-{++_temporaries}");
            try
            {
                var output = new FileStream(temporary, new FileStreamOptions
                {
                    Mode = FileMode.Create,
                    Access = FileAccess.Write,
                    BufferSize = 0,
                    UnixCreateMode = ((UnixFileMode)file.Entry.Mode & AllPermissions) | UnixFileMode.UserWrite,
                });
                await using (output.ConfigureAwait(false))
                {
                    _bytes += await FileCopy.WriteAsync(file, output, cancellationToken).ConfigureAwait(false);
                }

                File.SetLastWriteTimeUtc(temporary, DateTime.UnixEpoch.AddTicks(file.Entry.ModifiedNs / 100));
                File.Move(temporary, destination, overwrite: true);
                _files++;
            }
            catch
            {
                File.Delete(temporary);
                throw;
            }
        }
    }
}
