using System.Text.RegularExpressions;

namespace OrleansCache.Tidy.Tests;

/// <summary>docs/SEMANTICS.md and the tests speak of each other.</summary>
public sealed partial class SemanticsTests
{
    [Fact]
    public void Every_promise_names_tests_that_exist_and_every_number_in_a_test_is_a_promise()
    {
        var promises = Promise().Matches(string.Join('\n', SourceFiles.Lines("docs/SEMANTICS.md")))
            .ToDictionary(
                match => match.Groups[1].Value,
                match => TestName().Matches(match.Value).Select(name => name.Groups[1].Value).ToList());
        var tests = SourceFiles.CSharp.Where(path => path.StartsWith("tests/", StringComparison.Ordinal))
            .SelectMany(path => Test().Matches(string.Join('\n', SourceFiles.Lines(path))))
            .ToLookup(
                match => match.Groups["name"].Value,
                match => Number().Matches(match.Groups["summary"].Value).Select(number => number.Value));
        Assert.True(promises.Count > 20, $"only {promises.Count} promises were found");

        var findings = promises.Where(promise => promise.Value.Count == 0).Select(promise => $"{promise.Key} names no test")
            .Concat(promises.SelectMany(promise => promise.Value
                .Where(name => !tests.Contains(name))
                .Select(name => $"{promise.Key}: no test {name}")))
            .Concat(tests.SelectMany(test => test.SelectMany(numbers => numbers)
                .Where(number => !promises.TryGetValue(number, out var names) || !names.Contains(test.Key))
                .Select(number => $"{test.Key} carries {number}, which does not name it")))
            .ToList();
        Assert.True(findings.Count == 0, string.Join('\n', findings));
    }

    [GeneratedRegex(@"^- \*\*(\d+\.\d+)\*\*.*(\n  .*)*", RegexOptions.Multiline)]
    private static partial Regex Promise();

    [GeneratedRegex(@"`([A-Z]\w*_\w+_\w+)`")]
    private static partial Regex TestName();

    /// <summary>A test method with the first line of its summary, when it has one about the promises.</summary>
    [GeneratedRegex(
        @"(/// <summary>(\n\s*/// )?docs/SEMANTICS\.md (?<summary>[^\n]*)(\n\s*/// [^\n]*)*\n\s*)?"
        + @"\[(\w*Fact|Theory)\](\s*\[InlineData\([^\n]*)*\s*public (async )?(Task|void) (?<name>\w+)\(")]
    private static partial Regex Test();

    [GeneratedRegex(@"\b\d+\.\d+\b")]
    private static partial Regex Number();
}
