using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using OrleansCache.Cli.Mounting;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache mount MOUNTPOINT</c>: starts the daemon and returns when it serves, or serves itself.</summary>
internal static class MountCommand
{
    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals)
    {
        var options = new MountOptions();
        var command = new Command("mount", "Mount the namespace, or a directory of it, read-only");
        options.AddTo(command);
        return command.With(globals, async context =>
        {
            var plan = options.PlanFrom(context);
            if (context.Arguments.GetValue(options.Detached))
            {
                return await ServeAsDaemonAsync(plan, context.Stop).ConfigureAwait(false);
            }

            if (context.Arguments.GetValue(options.Foreground))
            {
                using var loggers = MakeLoggers(LogLevel.Information);
                await new MountServer(plan, TimeProvider.System, loggers).RunAsync(
                    () => Say(context, plan, new ReadyLine(Environment.ProcessId, ExitCode.Ok, string.Empty, string.Empty)),
                    context.Stop).ConfigureAwait(false);
                return ExitCode.Ok;
            }

            var ready = await new DaemonStarter(TimeProvider.System).StartAsync(plan, context.Stop).ConfigureAwait(false);
            Say(context, plan, ready);
            return ExitCode.Ok;
        });
    }

    private static async Task<int> ServeAsDaemonAsync(MountPlan plan, CancellationToken stop)
    {
        using var daemon = new Daemon();
        var code = ExitCode.Ok;
        try
        {
            Daemon.Detach(plan.LogFile);
            using var loggers = MakeLoggers(LogLevel.Warning);
            await new MountServer(plan, TimeProvider.System, loggers).RunAsync(
                () => daemon.Say(new ReadyLine(Environment.ProcessId, ExitCode.Ok, string.Empty, string.Empty)), stop)
                .ConfigureAwait(false);
        }
        catch (Exception error)
        {
            var failure = Failure.From(error, stop);
            daemon.Say(new ReadyLine(Environment.ProcessId, failure.Code, failure.Message, failure.Advice));
            code = failure.Code;
        }

        plan.RemoveEmptyLog();
        return code;
    }

    // The console is the log: the daemon's standard error is its file.
    private static ILoggerFactory MakeLoggers(LogLevel least) => LoggerFactory.Create(logging =>
    {
        logging.SetMinimumLevel(least);
        logging.AddSimpleConsole(format =>
        {
            format.SingleLine = true;
            format.UseUtcTimestamp = true;
            format.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    });

    private static void Say(CommandContext context, MountPlan plan, ReadyLine ready)
    {
        if (context.IsJson)
        {
            context.Output.WriteJson(json =>
            {
                json.WriteStartObject();
                json.WriteString("mountpoint", plan.MountPoint);
                json.WriteString("path", plan.Path);
                json.WriteNumber("pid", ready.ProcessId);
                json.WriteString("log_file", context.Arguments.GetValue<bool>("--foreground") ? null : plan.LogFile);
                json.WriteEndObject();
            });
        }
        else
        {
            context.Output.WriteLine($"mounted {plan.Path} at {plan.MountPoint} (process {ready.ProcessId})");
        }
    }
}
