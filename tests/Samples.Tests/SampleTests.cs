using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansCache.Samples.Tests;

/// <summary>The programs in samples/ do what they say, against a real silo.</summary>
public sealed partial class SampleTests(Source source) : IClassFixture<Source>
{
    [Fact]
    public async Task Read_a_file_writes_its_bytes_and_their_hash()
    {
        var copy = Path.Combine(source.Scratch("copies"), "big.bin");
        var result = await SampleProgram.RunAsync(source.Silo, "read-a-file", [Source.BigFile], copy);
        Assert.Equal(0, result.ExitCode);
        Assert.StartsWith(source.HashOf("big.bin") + "  " + Source.BigFile, result.Error, StringComparison.Ordinal);
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(source.Folder, "big.bin")), await File.ReadAllBytesAsync(copy));
    }

    [Fact]
    public async Task Read_a_file_says_what_is_missing_and_what_to_do()
    {
        var result = await SampleProgram.RunAsync(source.Silo, "read-a-file", ["/data/nowhere"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("nothing at /data/nowhere", result.Error, StringComparison.Ordinal);
        Assert.Contains("ocache ls", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_and_load_lists_and_caches_everything_below()
    {
        var result = (await SampleProgram.RunAsync(source.Silo, "list-and-load", ["/data"])).Checked("list-and-load");
        Assert.Contains("big.bin", result.Output, StringComparison.Ordinal);
        Assert.Contains("small/", result.Output, StringComparison.Ordinal);
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $"/data: {source.Total.Files:N0} files, {source.Total.Bytes:N0} bytes cached"),
            result.Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_loader_reads_every_byte_in_every_epoch()
    {
        var result = (await SampleProgram.RunAsync(source.Silo, "data-loader", ["/data", "3", "4"])).Checked("data-loader");
        var epochs = Epoch().Matches(result.Output);
        Assert.Equal(["1", "2", "3"], epochs.Select(epoch => epoch.Groups["epoch"].Value));
        Assert.All(epochs, epoch => Assert.Equal(
            (source.Total.Files, source.Total.Bytes),
            (int.Parse(epoch.Groups["files"].Value, CultureInfo.InvariantCulture),
                long.Parse(epoch.Groups["bytes"].Value, CultureInfo.InvariantCulture))));
    }

    [GeneratedRegex(@"epoch (?<epoch>\d+): (?<files>\d+) files, (?<bytes>\d+) bytes, [\d.]+ MB/s")]
    private static partial Regex Epoch();
}
