namespace OrleansCache.Cli;

/// <summary>Exit codes, fixed by docs/CONTRACT.md.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>Failed in a way no other code names.</summary>
    public const int Failed = 1;

    /// <summary>Wrong usage, or an argument the cluster refuses.</summary>
    public const int Usage = 2;

    /// <summary>No such path, source, directory or mount.</summary>
    public const int NotFound = 3;

    /// <summary>The cluster or the under storage cannot be reached.</summary>
    public const int Unreachable = 4;

    /// <summary>Access denied.</summary>
    public const int AccessDenied = 5;

    /// <summary>Timed out.</summary>
    public const int TimedOut = 6;

    /// <summary>Interrupted.</summary>
    public const int Interrupted = 130;

    /// <summary>The word for a code in JSON.</summary>
    public static string KindOf(int code) => code switch
    {
        Usage => "invalid_argument",
        NotFound => "not_found",
        Unreachable => "unreachable",
        AccessDenied => "access_denied",
        TimedOut => "timed_out",
        Interrupted => "interrupted",
        _ => "failed",
    };
}
