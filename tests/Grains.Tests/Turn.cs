namespace OrleansCache.Grains.Tests;

/// <summary>Runs code as an activation would: awaits go on one at a time on the same scheduler.</summary>
internal static class Turn
{
    public static Task RunAsync(Func<Task> code, TimeSpan? patience = null)
    {
        var scheduler = new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler;
        return Task.Factory.StartNew(code, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler)
            .Unwrap().WaitAsync(patience ?? TimeSpan.FromSeconds(60));
    }
}
