using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text.RegularExpressions;
using OrleansCache.Reading;
using OrleansCache.Telemetry;

namespace OrleansCache.Client.Tests;

/// <summary>docs/METRICS.md and what the library shows are the same names.</summary>
public sealed partial class TelemetryNamesTests
{
    [Fact]
    public async Task Instruments_activities_and_tags_are_those_of_the_document()
    {
        var instruments = new SortedSet<string>(StringComparer.Ordinal);
        using var meter = new Meter($"test.{Guid.NewGuid()}");
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter == meter)
            {
                instruments.Add(instrument.Name);
            }
        };
        listener.Start();
        new ReadaheadBudget(1).Publish(meter);
        var constants = typeof(ClientActivities).GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!);

        var document = await File.ReadAllTextAsync(Path.Combine(PublicApiTests.Root(), "docs", "METRICS.md"));
        var section = document[document.IndexOf("## The client library", StringComparison.Ordinal)..];
        Assert.Contains($"`{CacheClient.TelemetryName}`", section, StringComparison.Ordinal);
        Assert.Equal(
            constants.Concat(instruments).Order(StringComparer.Ordinal),
            DottedName().Matches(section).Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"`([a-z]+\.[a-z_]+)`")]
    private static partial Regex DottedName();
}
