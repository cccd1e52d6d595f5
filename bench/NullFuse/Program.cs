using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.Mounting;
using OrleansCache.Fuse.Session;
using OrleansCache.NullFuse;

if (NullFuseOptions.Parse(args) is not { } options)
{
    await Console.Error.WriteLineAsync(NullFuseOptions.Usage);
    return 2;
}

using var loggers = LoggerFactory.Create(logging => logging.AddConsole());
using var fileSystem = new NullFileSystem(options);
var session = options.Threads is { } threads ? new FuseSessionOptions { Threads = threads } : new FuseSessionOptions();
FuseMount mount;
try
{
    mount = await FuseMount.MountAsync(
        options.MountPoint, fileSystem, new FuseMountOptions(), session, TimeProvider.System,
        loggers.CreateLogger("fuse"));
}
catch (FuseMountException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}

await using (mount)
{
    var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        asked.TrySetResult();
    }

    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    Console.WriteLine($"mounted {mount.Path}");
    await Task.WhenAny(asked.Task, mount.Completion);
    await mount.StopAsync();
    foreach (var (opcode, statistics) in mount.Session.GetStatistics().ByOpcode)
    {
        Console.WriteLine($"{opcode} {statistics.Requests} requests {statistics.TotalTime.TotalMilliseconds:F0} ms");
    }
}

return 0;
