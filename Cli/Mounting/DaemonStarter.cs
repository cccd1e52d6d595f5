using System.Diagnostics;
using System.Reflection;
using OrleansCache.Linux;

namespace OrleansCache.Cli.Mounting;

/// <summary>Starts this program again as the daemon of a mount and waits until the mount is usable.</summary>
internal sealed class DaemonStarter(TimeProvider time)
{
    /// <summary>Ten seconds to connect, ten for the kernel's handshake, and a slow machine.</summary>
    public static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Starts it.</summary>
    /// <returns>What the daemon said: ready.</returns>
    /// <exception cref="CommandFailedException">It said why not, or nothing in time.</exception>
    public async Task<ReadyLine> StartAsync(MountPlan plan, CancellationToken stop)
    {
        using var process = Process.Start(MakeStart(plan))
            ?? throw new CommandFailedException(ExitCode.Failed, "the mount's process did not start", "try `--foreground`");
        process.StandardInput.Close();
        using var timeout = new CancellationTokenSource(ReadyTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        string? text;
        try
        {
            text = await process.StandardOutput.ReadLineAsync(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await EndAsync(process).ConfigureAwait(false);
            stop.ThrowIfCancellationRequested();
            throw new CommandFailedException(
                ExitCode.TimedOut, $"the mount at {plan.MountPoint} was not usable within {ReadyTimeout.TotalSeconds:0} s",
                $"see {plan.LogFile}");
        }

        var line = text is null ? null : ReadyLine.Parse(text);
        if (line is null)
        {
            await EndAsync(process).ConfigureAwait(false);
            throw new CommandFailedException(
                ExitCode.Failed, $"the mount's process ended with {process.ExitCode} before the mount was usable",
                $"see {plan.LogFile}, or try `--foreground`");
        }

        return line.Code == ExitCode.Ok ? line : throw new CommandFailedException(line.Code, line.Message, line.Advice);
    }

    private static ProcessStartInfo MakeStart(MountPlan plan)
    {
        var self = Environment.ProcessPath
            ?? throw new CommandFailedException(ExitCode.Failed, "this program does not know its own path", "use `--foreground`");
        var start = new ProcessStartInfo(self)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (Path.GetFileNameWithoutExtension(self) == "dotnet")
        {
            start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        }

        foreach (var argument in (string[])[.. plan.Access.Flags, "mount", "--foreground", "--detached",
            "--log-file", plan.LogFile, "--path", plan.Path])
        {
            start.ArgumentList.Add(argument);
        }

        if (plan.IsDefaultLog)
        {
            start.ArgumentList.Add("--default-log");
        }

        if (plan.AllowOther)
        {
            start.ArgumentList.Add("--allow-other");
        }

        // Last, and a word of its own: `ocache unmount` finds the daemon by it.
        start.ArgumentList.Add(plan.MountPoint);
        return start;
    }

    // SIGTERM first: it unmounts.
    private async Task EndAsync(Process process)
    {
        if (!process.HasExited)
        {
            ProcessCalls.Terminate(process.Id);
        }

        using var timeout = new CancellationTokenSource(EndTimeout, time);
        try
        {
            await process.WaitForExitAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }
}
