using System.Runtime.CompilerServices;
using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Tests.Configuration;

/// <summary>docs/CONFIGURATION.md and the settings are the same list.</summary>
public sealed class DocumentationTests
{
    [Fact]
    public void Every_setting_has_a_row_with_its_variable_and_default()
    {
        var rows = File.ReadAllLines(Path.Combine(Root(), "docs/CONFIGURATION.md"));
        foreach (var setting in Setting.All)
        {
            var row = rows.FirstOrDefault(line => line.StartsWith($"| `{setting.Flag}`", StringComparison.Ordinal));
            Assert.True(row is not null, $"docs/CONFIGURATION.md has no row for {setting.Flag}");
            Assert.Contains($"`{setting.Variable}`", row, StringComparison.Ordinal);
            Assert.Contains(setting.Default, row, StringComparison.Ordinal);
        }
    }

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(here, "../../../.."));
}
