using System.Text.Json;

namespace OrleansCache.Cli.Mounting;

/// <summary>The one line a daemon says to the command that started it: usable, or why not.</summary>
/// <param name="ProcessId">The daemon.</param>
/// <param name="Code">0, or an exit code.</param>
/// <param name="Message">Why not.</param>
/// <param name="Advice">What to do.</param>
internal sealed record ReadyLine(int ProcessId, int Code, string Message, string Advice)
{
    /// <summary>The line.</summary>
    public string ToText() => JsonSerializer.Serialize(this);

    /// <summary>Reads the line; null for anything else.</summary>
    public static ReadyLine? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<ReadyLine>(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
