using System.Diagnostics;
using System.Text;
using OrleansCache.Files;
using OrleansCache.UnderStorage.Directories;

namespace OrleansCache.UnderStorage.Tests;

/// <summary>A directory source in a directory of its own.</summary>
internal sealed class TempSource : IAsyncDisposable
{
    private TempSource(string root, IUnderStorage storage) => (Root, Storage) = (root, storage);

    public string Root { get; }

    public IUnderStorage Storage { get; }

    public static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;

    public static async Task<TempSource> CreateAsync(DirectoryUnderStorageOptions? options = null)
    {
        var root = Directory.CreateTempSubdirectory("ocache-source-").FullName;
        var factory = new DirectoryUnderStorageFactory(options ?? new(), TimeProvider.System);
        return new TempSource(root, await factory.OpenAsync(factory.Identify($"file://{root}", new()), new(), Soon));
    }

    public string At(string path) => Path.Combine(Root, path);

    public async Task<FileMetadata> StatAsync(string path)
    {
        var outcome = await Storage.StatAsync(path, Soon);
        Assert.Equal(ReadStatus.Ok, outcome.Status);
        return outcome.Metadata;
    }

    public async Task<(ReadStatus Status, byte[] Bytes)> ReadAsync(string path, FileMetadata seen, CancellationToken? deadline = null)
    {
        var bytes = new byte[seen.Version.LengthBytes];
        var status = await Storage.ReadAsync(path, seen.Id, seen.Version, 0, bytes, deadline ?? Soon);
        return (status, bytes);
    }

    public async Task<(ReadStatus Status, List<UnderStorageEntry> Entries)> ListAsync(string path)
    {
        var entries = new List<UnderStorageEntry>();
        var status = await Storage.ListAsync(path, entries.AddRange, Soon);
        return (status, entries);
    }

    /// <summary>Runs a shell script in the root: for names that .NET cannot write.</summary>
    public void Shell(string script)
    {
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", script])
        {
            WorkingDirectory = Root,
            RedirectStandardError = true,
        })!;
        var errors = shell.StandardError.ReadToEnd();
        shell.WaitForExit();
        Assert.True(shell.ExitCode == 0, $"{script}: {errors}");
    }

    public async ValueTask DisposeAsync()
    {
        await Storage.DisposeAsync();
        Shell("chmod -R u+rwX . && rm -rf -- ./* ./.[!.]*");
        Directory.Delete(Root, recursive: true);
    }

    public static byte[] Filled(int length, byte value)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    public static string Utf8(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}
