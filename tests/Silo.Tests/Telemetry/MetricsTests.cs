using System.Diagnostics.Metrics;
using OrleansCache.Silo.Telemetry;

namespace OrleansCache.Silo.Tests.Telemetry;

/// <summary>The text that Prometheus reads.</summary>
public sealed class MetricsTests
{
    [Fact]
    public void A_family_has_help_type_and_escaped_labels()
    {
        var text = new PrometheusText();
        text.Counter("ocache_x_total", "Things.").Value("ocache_x_total", 3, ("path", "/a\"b\\c\nd"), ("n", "1"));
        text.Gauge("ocache_y", "Level.").Value("ocache_y", 1.5);
        Assert.Equal(
            "# HELP ocache_x_total Things.\n# TYPE ocache_x_total counter\nocache_x_total{path=\"/a\\\"b\\\\c\\nd\",n=\"1\"} 3\n"
            + "# HELP ocache_y Level.\n# TYPE ocache_y gauge\nocache_y 1.5\n",
            text.ToString());
    }

    [Fact]
    public void The_instruments_of_one_meter_are_shown_and_of_others_not()
    {
        using var mine = new Meter("mine");
        using var other = new Meter("other");
        using var page = new MeterText(mine);
        var value = 1L;
        mine.CreateObservableCounter("ocache_a_total", () => new Measurement<long>(value, new KeyValuePair<string, object?>("k", "v")));
        mine.CreateObservableUpDownCounter("ocache_b", () => 7L);
        other.CreateObservableCounter("ocache_c_total", () => 9L);
        value = 2;
        var text = new PrometheusText();
        page.WriteTo(text);
        Assert.Contains("# TYPE ocache_a_total counter\nocache_a_total{k=\"v\"} 2\n", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("# TYPE ocache_b gauge\nocache_b 7\n", text.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("ocache_c", text.ToString(), StringComparison.Ordinal);
    }
}
