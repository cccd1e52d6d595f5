namespace OrleansCache.Silo.Hosting;

/// <summary>Whether requests are served, and if not, what is missing. Thread-safe.</summary>
internal sealed class Readiness
{
    private volatile string? _missing = "starting";

    /// <summary>One line on what is missing; null when ready.</summary>
    public string? Missing => _missing;

    /// <summary>Not ready, for this reason.</summary>
    public void WaitFor(string what) => _missing = what;

    /// <summary>Ready.</summary>
    public void Set() => _missing = null;
}
