using System.Globalization;
using System.Text;

namespace OrleansCache.Silo.Telemetry;

/// <summary>Writes the text form that Prometheus scrapes (version 0.0.4): one family after the other, each with help and type.</summary>
internal sealed class PrometheusText
{
    /// <summary>What the HTTP answer calls it.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();

    /// <summary>Begins a family of a counter; its name ends in <c>_total</c>.</summary>
    public PrometheusText Counter(string name, string help) => Family(name, help, "counter");

    /// <summary>Begins a family of a gauge.</summary>
    public PrometheusText Gauge(string name, string help) => Family(name, help, "gauge");

    /// <summary>Begins a family of a histogram.</summary>
    public PrometheusText Histogram(string name, string help) => Family(name, help, "histogram");

    /// <summary>One histogram of the family; counts are by bucket, one more than bounds.</summary>
    public PrometheusText Buckets(
        string name, IReadOnlyList<double> bounds, IReadOnlyList<long> counts, double sum, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        long below = 0;
        for (var bucket = 0; bucket < counts.Count; bucket++)
        {
            below += counts[bucket];
            var bound = bucket < bounds.Count ? bounds[bucket].ToString("R", CultureInfo.InvariantCulture) : "+Inf";
            Value(name + "_bucket", below, [.. labels, ("le", bound)]);
        }

        return Value(name + "_sum", sum, labels).Value(name + "_count", below, labels);
    }

    /// <summary>One value of the family.</summary>
    public PrometheusText Value(string name, double value, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        _text.Append(name);
        for (var at = 0; at < labels.Length; at++)
        {
            _text.Append(at == 0 ? '{' : ',').Append(labels[at].Name).Append("=\"");
            AppendEscaped(labels[at].Value);
            _text.Append('"');
        }

        _text.Append(labels.Length > 0 ? "} " : " ")
            .Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private PrometheusText Family(string name, string help, string type)
    {
        _text.Append("# HELP ").Append(name).Append(' ').Append(help).Append('\n')
            .Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        return this;
    }

    private void AppendEscaped(string value)
    {
        foreach (var c in value)
        {
            _ = c switch
            {
                '\\' => _text.Append("\\\\"),
                '"' => _text.Append("\\\""),
                '\n' => _text.Append("\\n"),
                _ => _text.Append(c),
            };
        }
    }
}
