using System.Diagnostics;

namespace OrleansCache.Client.Tests.Fakes;

/// <summary>
/// The thread pool without spare threads: beyond those that the test runner holds it has two, or one for each core, and does not grow.
/// Its tests run alone.
/// </summary>
internal sealed class SmallThreadPool : IDisposable
{
    private readonly (int Workers, int Ports) _min;
    private readonly (int Workers, int Ports) _max;
    private readonly int _size;

    public SmallThreadPool()
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        _min = (workers, ports);
        ThreadPool.GetMaxThreads(out workers, out ports);
        _max = (workers, ports);
        ThreadPool.GetAvailableThreads(out var free, out _);
        _size = workers - free + Math.Max(2, Environment.ProcessorCount);
        Assert.True(ThreadPool.SetMinThreads(2, _min.Ports) && ThreadPool.SetMaxThreads(_size, _max.Ports));
    }

    /// <summary>Longest wait for what takes milliseconds: a machine that is loaded may stall.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Waits for the end of something without the pool, so that it fails, and does not hang, when the pool is stuck.</summary>
    public static void Await(Task task) => Assert.True(((IAsyncResult)task).AsyncWaitHandle.WaitOne(Limit), $"not within {Limit}");

    /// <summary>Takes all threads that are left; the pool has them back when the returned is disposed.</summary>
    public IDisposable Fill()
    {
        var gate = new ManualResetEventSlim();
        for (var thread = 0; thread < _size; thread++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static gate => gate.Wait(), gate, preferLocal: false);
        }

        var clock = Stopwatch.StartNew();
        var free = _size;
        while (free > 0 && clock.Elapsed < Limit)
        {
            Thread.Sleep(1);
            ThreadPool.GetAvailableThreads(out free, out _);
        }

        return free > 0 ? throw new InvalidOperationException($"{free} threads of the pool are still free") : new Opening(gate);
    }

    public void Dispose()
    {
        ThreadPool.SetMaxThreads(_max.Workers, _max.Ports);
        ThreadPool.SetMinThreads(_min.Workers, _min.Ports);
    }

    private sealed class Opening(ManualResetEventSlim gate) : IDisposable
    {
        public void Dispose() => gate.Set();
    }
}
