using Spectre.Console;

namespace OrleansCache.Cli.Output;

/// <summary>A bar on stderr while a load runs; the total grows while the tree is still walked.</summary>
internal static class LoadProgressBar
{
    // Faster than this a person cannot read, and a terminal over a network suffers.
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs a load under a bar.</summary>
    public static async Task<LoadResult> RunAsync(
        Func<IProgress<LoadProgress>, Task<LoadResult>> load, TimeProvider time, CancellationToken cancellationToken)
    {
        var latest = new Latest();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new TransferSpeedColumn(),
                new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask("finding files", maxValue: 1);
                var loading = load(latest);
                using var timer = new PeriodicTimer(Period, time);
                while (!loading.IsCompleted && await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
                {
                    var now = latest.Value;
                    bar.Description = $"{EntryJson.Plain(now.FilesDone)} of {EntryJson.Plain(now.FilesFound)} files"
                        + (now.IsWalkDone ? string.Empty : " so far");
                    bar.MaxValue = Math.Max(1, now.BytesFound);
                    bar.Value = now.BytesDone;
                }

                return await loading.ConfigureAwait(false);
            }).ConfigureAwait(false);
    }

    private sealed class Latest : IProgress<LoadProgress>
    {
        private volatile LoadProgress _value = new();

        public LoadProgress Value => _value;

        public void Report(LoadProgress value) => _value = value;
    }
}
