using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Tests;

/// <summary>DESIGN tenet 1: a reader sees one version of a file or an error, never a mix.</summary>
public sealed class DirectoryChangeDuringReadTests
{
    private const int Length = 3 << 20;
    private const int Rounds = 200;

    [Fact]
    public async Task Replaced_by_rename_200_times_no_read_is_a_mix() => await RunAsync((source, value) =>
    {
        File.WriteAllBytes(source.At("new"), TempSource.Filled(Length, value));
        File.Move(source.At("new"), source.At("f"), overwrite: true);
    });

    [Fact]
    public async Task Overwritten_in_place_200_times_no_read_is_a_mix() => await RunAsync((source, value) =>
    {
        using var file = File.OpenHandle(source.At("f"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, TempSource.Filled(Length, value), 0);
    });

    [Fact]
    public async Task Overwritten_in_small_writes_200_times_no_read_is_a_mix() => await RunAsync((source, value) =>
    {
        var piece = TempSource.Filled(Length / 16, value);
        using var file = File.OpenHandle(source.At("f"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        for (var i = 0; i < 16; i++)
        {
            RandomAccess.Write(file, piece, (long)i * piece.Length);
        }
    });

    [Fact]
    public async Task Truncated_and_written_again_200_times_no_read_is_a_mix() => await RunAsync((source, value) =>
    {
        using var file = File.OpenHandle(source.At("f"), FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, TempSource.Filled(Length, value), 0);
    });

    private static async Task RunAsync(Action<TempSource, byte> write)
    {
        await using var source = await TempSource.CreateAsync();
        File.WriteAllBytes(source.At("f"), TempSource.Filled(Length, 1));
        var contents = new Dictionary<FileKey, byte>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var done = false;
        var writer = Task.Factory.StartNew(
            () =>
            {
                for (var round = 0; round < Rounds; round++)
                {
                    write(source, (byte)(2 + (round % 250)));
                    Thread.Yield();
                }

                Volatile.Write(ref done, true);
            },
            TaskCreationOptions.LongRunning);

        int whole = 0, refused = 0;
        while (!Volatile.Read(ref done) || whole == 0)
        {
            var seen = (await source.Storage.StatAsync("f", limit.Token)).Metadata;
            if (seen.Version.LengthBytes != Length)
            {
                continue; // caught between truncation and writing
            }

            var (status, bytes) = await source.ReadAsync("f", seen, limit.Token);
            if (status != ReadStatus.Ok)
            {
                Assert.True(status is ReadStatus.StaleVersion or ReadStatus.NotFound, status.ToString());
                refused++;
                continue;
            }

            whole++;
            Assert.Equal(-1, bytes.AsSpan().IndexOfAnyExcept(bytes[0]));

            // And a version never has two contents: what is cached under its key must be what every later reader would get.
            var key = FileKey.Derive(source.Storage.Source, seen.Id, seen.Version, BlockLayout.Default);
            Assert.True(contents.TryAdd(key, bytes[0]) || contents[key] == bytes[0], "one version, two contents");
        }

        await writer;
        Assert.True(whole > 0, $"{refused} reads were refused, none was whole: the test saw nothing");
    }
}
