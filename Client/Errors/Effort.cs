using System.Globalization;

namespace OrleansCache;

/// <summary>What was spent on an operation that failed.</summary>
/// <param name="Attempts">Times it was tried; 0 when nobody counted.</param>
/// <param name="Elapsed">Time from the first try to giving up.</param>
internal readonly record struct Effort(int Attempts, TimeSpan Elapsed)
{
    /// <summary>What the silo said that refuses this client; null when none did.</summary>
    public string? Refusal { get; init; }

    /// <summary>As it stands in a message, such as <c>tried 12 times in 60 s</c>; empty when nobody counted.</summary>
    public override string ToString() => Attempts == 0
        ? string.Empty
        : string.Create(
            CultureInfo.InvariantCulture,
            $"tried {(Attempts == 1 ? "once" : $"{Attempts} times")} in {Elapsed.TotalSeconds:0.#} s");

    /// <summary>The message with what was spent on it.</summary>
    public string AddTo(string message) => Attempts == 0 ? message : $"{message}; {this}";
}
