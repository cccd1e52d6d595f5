using Microsoft.Extensions.Logging;

namespace OrleansCache.DataPlane.Wires;

/// <summary>What is said about certificates.</summary>
internal static partial class WireLog
{
    public static void Reloaded(ILogger logger, string path, string? rejected)
    {
        if (rejected is null)
        {
            LogReloaded(logger, path);
        }
        else
        {
            LogRejected(logger, path, rejected);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Uses the changed certificates of {Path} from now on")]
    private static partial void LogReloaded(ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path} has changed and cannot be used, going on with what was there: {Reason}")]
    private static partial void LogRejected(ILogger logger, string path, string reason);
}
