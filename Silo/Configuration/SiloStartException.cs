namespace OrleansCache.Silo.Configuration;

/// <summary>The silo cannot start. The message says what was tried, on what, and what to do; it is all the user sees.</summary>
internal sealed class SiloStartException(int exitCode, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>Started and failed.</summary>
    public const int Failed = 1;

    /// <summary>Called wrongly.</summary>
    public const int BadUsage = 2;

    /// <summary>What the process ends with.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>A setting is wrong.</summary>
    public static SiloStartException Usage(string message) => new(BadUsage, message);

    /// <summary>The settings are fine, the machine says no.</summary>
    public static SiloStartException Failure(string message, Exception? innerException = null) =>
        new(Failed, message, innerException);
}
