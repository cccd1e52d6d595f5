namespace OrleansCache.Cli;

/// <summary>A command found out by itself that it cannot be done.</summary>
/// <param name="code">From <see cref="ExitCode"/>.</param>
/// <param name="message">What failed and why, without a full stop.</param>
/// <param name="advice">What to do.</param>
internal sealed class CommandFailedException(int code, string message, string advice) : Exception(message)
{
    /// <summary>Exit code.</summary>
    public int Code { get; } = code;

    /// <summary>What to do.</summary>
    public string Advice { get; } = advice;
}
