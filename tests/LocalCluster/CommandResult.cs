namespace OrleansCache.LocalCluster;

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>Itself, when the program succeeded.</summary>
    /// <exception cref="InvalidOperationException">It did not; the message has what it said.</exception>
    public CommandResult Checked(string what) => ExitCode == 0
        ? this
        : throw new InvalidOperationException($"{what} ended with {ExitCode}:\n{Output}\n{Error}");
}
