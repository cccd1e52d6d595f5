using System.CommandLine;
using OrleansCache.Cli.Mounting;
using OrleansCache.Fuse.Mounting;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache unmount MOUNTPOINT</c>: also what a dead process left behind. Returns when the process has ended.</summary>
internal static class UnmountCommand
{
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(20);

    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals)
    {
        var mountPoint = new Argument<string>("MOUNTPOINT") { Description = "Where it is mounted" };
        var force = new Option<bool>("--force") { Description = "Also when files of it are in use: their readers get errors" };
        var command = new Command("unmount", "End a mount, also one whose process died") { mountPoint, force };
        return command.With(globals, async context =>
        {
            var path = MountPoint.Resolve(context.Arguments.GetRequiredValue(mountPoint));
            var processes = DaemonProcess.FindAll(path);
            FuseMount.Unmount(path, context.Arguments.GetValue(force));
            if (!await DaemonProcess.WaitForEndAsync(processes, EndTimeout, TimeProvider.System, context.Stop).ConfigureAwait(false))
            {
                throw new CommandFailedException(
                    ExitCode.TimedOut, $"{path} is unmounted, but its process {string.Join(", ", processes)} still runs",
                    "see its log, or end it with kill");
            }

            if (context.IsJson)
            {
                context.Output.WriteJson(json =>
                {
                    json.WriteStartObject();
                    json.WriteString("mountpoint", path);
                    json.WriteEndObject();
                });
            }

            return ExitCode.Ok;
        });
    }
}
