using System.IO.Compression;
using System.Reflection.Metadata;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using OrleansCache.LocalCluster;

namespace OrleansCache.Samples.Tests;

/// <summary>The NuGet package, from outside: made, looked into, and used as its README says.</summary>
public sealed partial class PackageTests(Source source) : IClassFixture<Source>
{
    private static readonly string Configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;

    [Fact]
    public async Task A_fresh_project_follows_the_README_to_reading_a_file()
    {
        var feed = await FeedAsync();
        var readme = await File.ReadAllTextAsync(Path.Combine(Programs.Root, "Client", "README.md"));
        var folder = source.Scratch("elsewhere");
        Dictionary<string, string> environment = new()
        {
            ["PACKAGES"] = feed,
            ["NUGET_PACKAGES"] = source.Scratch("packages"), // Nothing that an earlier build has left there.
            ["OCACHE_CLUSTER"] = source.Silo.Cluster,
            ["DOTNET_NOLOGO"] = "1",
            ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
            ["DOTNET_SKIP_FIRST_TIME_EXPERIENCE"] = "1",
            ["MSBUILDDISABLENODEREUSE"] = "1", // No process is left behind.
            ["UseSharedCompilation"] = "false",
        };
        (await SampleProgram.ShellAsync(Block(readme, "sh project"), [], environment, folder)).Checked("the README's project");
        var project = Path.Combine(folder, "hello-cache");
        await File.WriteAllTextAsync(Path.Combine(project, "Program.cs"), Block(readme, "csharp program"));
        var run = (await SampleProgram.ShellAsync(Block(readme, "sh run"), [], environment, project)).Checked("the README's program");
        Assert.Contains("9000001 big.bin", run.Output, StringComparison.Ordinal);
        Assert.Contains(
            $"/data/hello.txt begins with {Convert.ToHexString(Encoding.ASCII.GetBytes("hello from the s"))}", run.Output, StringComparison.Ordinal);
        Assert.Contains("its first line: hello from the source", run.Output, StringComparison.Ordinal);

        // What the README does not show is not there: the compiler sees the client and its words, not what they stand on.
        await File.WriteAllTextAsync(Path.Combine(project, "Program.cs"), "System.Console.WriteLine(typeof(Orleans.IGrainFactory));");
        var refused = await SampleProgram.ShellAsync("dotnet build --no-restore", [], environment, project);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("error CS0246", refused.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_package_is_complete_and_the_same_every_time()
    {
        var (first, second) = (await FeedAsync(), source.Scratch("second"));
        await PackAsync(second);
        var package = Assert.Single(Directory.GetFiles(first));
        Assert.Equal(
            await File.ReadAllBytesAsync(package), await File.ReadAllBytesAsync(Path.Combine(second, Path.GetFileName(package))));

        await using var archive = await ZipFile.OpenReadAsync(package);
        var names = archive.Entries.Select(entry => entry.FullName).ToHashSet();
        string[] expected =
        [
            "README.md", "ref/net10.0/OrleansCache.Client.dll", "ref/net10.0/OrleansCache.Client.xml",
            "ref/net10.0/OrleansCache.Grains.Interfaces.dll", "lib/net10.0/OrleansCache.Client.dll", "lib/net10.0/OrleansCache.DataPlane.dll",
            "lib/net10.0/OrleansCache.Linux.dll", "lib/net10.0/OrleansCache.Grains.Interfaces.dll", "lib/net10.0/Orleans.Lite.dll",
        ];
        Assert.All(expected, name => Assert.Contains(name, names));
        Assert.DoesNotContain(names, name => name.Contains("Silo", StringComparison.Ordinal));

        var nuspec = await XDocument.LoadAsync(
            await archive.GetEntry("OrleansCache.Client.nuspec")!.OpenAsync(), System.Xml.Linq.LoadOptions.None, CancellationToken.None);
        string Of(string element) => nuspec.Descendants().First(one => one.Name.LocalName == element).Value;
        Assert.Equal(("OrleansCache.Client", "MIT", "README.md"), (Of("id"), Of("license"), Of("readme")));
        Assert.Equal($"OrleansCache.Client.{Of("version")}.nupkg", Path.GetFileName(package));
        Assert.Contains($"--version {Of("version")}", await TextAsync(archive.GetEntry("README.md")!), StringComparison.Ordinal);
        if (Configuration == "release")
        {
            // A debug build keeps its paths, for the debugger; what ./dev pack makes has none.
            foreach (var entry in archive.Entries.Where(entry => entry.Name.EndsWith(".dll", StringComparison.Ordinal)))
            {
                Assert.DoesNotContain(Programs.Root, await TextAsync(entry), StringComparison.Ordinal);
            }

            foreach (var entry in archive.Entries.Where(entry => entry.Name.EndsWith(".pdb", StringComparison.Ordinal)))
            {
                Assert.All(await SourcesAsync(entry), source => Assert.StartsWith("/_/", source, StringComparison.Ordinal));
            }
        }
    }

    // Packed once for both tests, which run one after the other.
    private async Task<string> FeedAsync()
    {
        var feed = source.Scratch("feed");
        if (Directory.GetFiles(feed).Length == 0)
        {
            await PackAsync(feed);
        }

        return feed;
    }

    private static async Task PackAsync(string feed) => (await Command.RunAsync(
        "dotnet",
        ["pack", "Client", "--configuration", Configuration, "--no-build", "--nologo", "--output", feed, "-nodeReuse:false"],
        folder: Programs.Root)).Checked("dotnet pack");

    private static async Task<List<string>> SourcesAsync(ZipArchiveEntry symbols)
    {
        var content = new MemoryStream();
        await using (var packed = await symbols.OpenAsync())
        {
            await packed.CopyToAsync(content);
        }

        content.Position = 0;
        using var provider = MetadataReaderProvider.FromPortablePdbStream(content);
        var reader = provider.GetMetadataReader();
        var sources = reader.Documents.Select(document => reader.GetString(reader.GetDocument(document).Name)).ToList();
        Assert.NotEmpty(sources);
        return sources;
    }

    private static async Task<string> TextAsync(ZipArchiveEntry entry)
    {
        await using var content = await entry.OpenAsync();
        using var reader = new StreamReader(content, Encoding.Latin1);
        return await reader.ReadToEndAsync();
    }

    private static string Block(string readme, string kind) =>
        Fence().Matches(readme).Single(fence => fence.Groups["kind"].Value == kind).Groups["text"].Value;

    [GeneratedRegex(@"^```(?<kind>[a-z ]+)\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
