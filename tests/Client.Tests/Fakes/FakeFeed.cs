using OrleansCache.Namespaces;

namespace OrleansCache.Client.Tests.Fakes;

/// <summary>A source's feed of changes: who asks waits until something is said.</summary>
internal sealed class FakeFeed
{
    private readonly Lock _gate = new();
    private readonly List<(long Number, PathChange Change)> _said = [];
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _last = 100;
    private int _calls;
    private int _waiting;

    /// <summary>Calls so far.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Calls that wait now.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>While set, calls fail.</summary>
    public Exception? Failure { get; set; }

    /// <summary>What the next call that has changes to tell says instead: some are lost.</summary>
    public bool LosesNext { get; set; }

    /// <summary>When set, a call with nothing to say answers at once.</summary>
    public bool IsHasty { get; set; }

    /// <summary>Says that names of a directory changed; none = any.</summary>
    public void Say(string directory, params string[] names) => Say(new PathChange(directory, [.. names], false));

    public void Say(PathChange change)
    {
        lock (_gate)
        {
            _said.Add((++_last, change));
            _news.TrySetResult();
        }
    }

    public async ValueTask<ChangeBatch> NextAsync(long after, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        if (Failure is { } failure)
        {
            throw failure;
        }

        long from;
        lock (_gate)
        {
            from = after == 0 ? _last : after;
        }

        while (true)
        {
            Task news;
            lock (_gate)
            {
                PathChange[] changes = [.. _said.Where(one => one.Number > from).Select(one => one.Change)];
                if (changes.Length > 0 || IsHasty)
                {
                    var isGap = LosesNext;
                    LosesNext &= changes.Length == 0;
                    return new ChangeBatch(_last, isGap && changes.Length > 0, isGap ? [] : [.. changes]);
                }

                _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                news = _news.Task;
            }

            Interlocked.Increment(ref _waiting);
            try
            {
                await news.WaitAsync(cancellationToken);
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }
    }
}
