using System.CommandLine;
using OrleansCache.Cli.Mounting;

namespace OrleansCache.Cli.Commands;

/// <summary>Arguments of <c>ocache mount</c>.</summary>
internal sealed class MountOptions
{
    private readonly Argument<string> _mountPoint = new("MOUNTPOINT") { Description = "An empty directory" };

    private readonly Option<string> _path = new("--path")
    {
        Description = "Directory of the namespace to show",
        HelpName = "PATH",
        DefaultValueFactory = static _ => "/",
    };

    private readonly Option<string?> _logFile = new("--log-file")
    {
        Description = "Where the process behind the mount logs",
        HelpName = "FILE",
    };

    private readonly Option<bool> _allowOther = new("--allow-other")
    {
        Description = "Other users may look in (as root they always may)",
    };

    // What the command says to the daemon it starts.
    private readonly Option<bool> _defaultLog = new("--default-log") { Hidden = true };

    /// <summary>Serve in this process.</summary>
    public Option<bool> Foreground { get; } = new("--foreground", "-f")
    {
        Description = "Serve in this process until SIGTERM, SIGINT or an unmount",
    };

    /// <summary>This process is the daemon.</summary>
    public Option<bool> Detached { get; } = new("--detached") { Hidden = true };

    /// <summary>Adds them to the command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_mountPoint);
        command.Add(_path);
        command.Add(Foreground);
        command.Add(_logFile);
        command.Add(_allowOther);
        command.Add(_defaultLog);
        command.Add(Detached);
    }

    /// <summary>What they say.</summary>
    public MountPlan PlanFrom(CommandContext context)
    {
        var mountPoint = Path.GetFullPath(context.Arguments.GetRequiredValue(_mountPoint));
        var log = context.Arguments.GetValue(_logFile);
        return new MountPlan(
            context.Access, mountPoint, context.Arguments.GetRequiredValue(_path), context.Arguments.GetValue(_allowOther),
            log is null ? MountPlan.DefaultLogFile(mountPoint) : Path.GetFullPath(log),
            log is null || context.Arguments.GetValue(_defaultLog));
    }
}
