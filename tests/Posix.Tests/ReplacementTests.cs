using System.Diagnostics;

namespace OrleansCache.Posix.Tests;

/// <summary>docs/SEMANTICS.md: a reader sees one version of a file or an error, never a mix.</summary>
public sealed class ReplacementTests
{
    private const int Rounds = 200;
    private const int Length = 3 * 256 * 1024 + 777;
    private static readonly TimeSpan SyncInterval = TimeSpan.FromMilliseconds(100);

    [Fact]
    public async Task Two_hundred_replacements_by_rename_under_readers_show_whole_versions_only()
    {
        await using var stack = await Stack.StartAsync(
            root => WriteVersion(Path.Combine(root, "file"), 0), ["block-size=256KiB", "sync=interval(100ms)"]);
        var published = 0;
        using var stop = new CancellationTokenSource();
        var reads = 0;
        var readers = Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
            () => ReadUntil(stack.Mounted("file"), () => Volatile.Read(ref published), ref reads, stop.Token),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();

        for (var round = 1; round <= Rounds; round++)
        {
            var next = Path.Combine(stack.Folder("next"), "file");
            WriteVersion(next, round);
            using (var held = File.OpenHandle(stack.Mounted("file")))
            {
                var before = ReadWhole(held);
                File.Move(next, Path.Combine(stack.Source, "file"), overwrite: true);
                Volatile.Write(ref published, round);
                await NewOpensSee(stack.Mounted("file"), round);
                Assert.Equal(before, ReadWhole(held));
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(readers).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(reads > Rounds, $"only {reads} whole reads: the readers did not run");
    }

    [Fact]
    public async Task Overwriting_in_place_gives_one_version_or_an_error()
    {
        await using var stack = await Stack.StartAsync(
            root => WriteVersion(Path.Combine(root, "file"), 0), ["block-size=256KiB", "sync=interval(100ms)"]);
        for (var round = 1; round <= 50; round++)
        {
            WriteVersion(Path.Combine(stack.Source, "file"), round);
            await NewOpensSee(stack.Mounted("file"), round);
        }
    }

    /// <summary>Within the sync interval, plus the time the opens themselves take, a new open sees the new version.</summary>
    private static async Task NewOpensSee(string path, int version)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (TryReadWhole(path) == version)
            {
                return;
            }

            Assert.True(clock.Elapsed < SyncInterval + TimeSpan.FromSeconds(5), $"version {version} is not seen after {clock.Elapsed}");
            await Task.Delay(TimeSpan.FromMilliseconds(10));
        }
    }

    private static void ReadUntil(string path, Func<int> published, ref int reads, CancellationToken stop)
    {
        var newest = 0;
        while (!stop.IsCancellationRequested)
        {
            if (TryReadWhole(path) is { } version)
            {
                Assert.True(version >= newest, $"version {version} came after {newest}");
                Assert.True(version <= published() + 1, $"version {version} was never published");
                newest = version;
                Interlocked.Increment(ref reads);
            }
        }
    }

    /// <summary>The version a whole read gave, or null for an error that is allowed: the file changed under the open.</summary>
    private static int? TryReadWhole(string path)
    {
        try
        {
            using var handle = File.OpenHandle(path);
            return ReadWhole(handle);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Reads it all in uneven pieces; a mix of versions fails the test.</summary>
    private static int ReadWhole(Microsoft.Win32.SafeHandles.SafeFileHandle handle)
    {
        var buffer = new byte[Length + 1];
        var at = 0;
        int read;
        while ((read = RandomAccess.Read(handle, buffer.AsSpan(at, Math.Min(100_003, buffer.Length - at)), at)) > 0)
        {
            at += read;
        }

        Assert.Equal(Length, at);
        var version = BitConverter.ToInt32(buffer);
        for (var offset = 0; offset + 4 <= Length; offset += 4)
        {
            if (BitConverter.ToInt32(buffer, offset) != version)
            {
                Assert.Fail($"byte {offset} is of version {BitConverter.ToInt32(buffer, offset)}, byte 0 of {version}");
            }
        }

        return version;
    }

    private static void WriteVersion(string path, int version)
    {
        var bytes = new byte[Length];
        for (var offset = 0; offset + 4 <= Length; offset += 4)
        {
            BitConverter.TryWriteBytes(bytes.AsSpan(offset), version);
        }

        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        file.Write(bytes);
    }
}
