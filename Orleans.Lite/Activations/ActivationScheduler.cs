namespace Orleans.Runtime;

/// <summary>Runs the tasks of one activation one at a time on the thread pool. Continuations of awaits in grain code
/// come back here, because this is the current scheduler while a task of the activation runs.</summary>
internal sealed class ActivationScheduler(Activation activation) : TaskScheduler, IThreadPoolWorkItem
{
    /// <summary>After so many turns in a row the thread goes to others first.</summary>
    private const int TurnsInARow = 64;
    private readonly Queue<Task> _tasks = new();
    private bool _running;

    public Activation Activation { get; } = activation;
    /// <summary>The activation whose turn runs on this thread.</summary>
    public static Activation? CurrentActivation => (Current as ActivationScheduler)?.Activation;
    public override int MaximumConcurrencyLevel => 1;

    public void Execute()
    {
        for (var turns = 0; turns < TurnsInARow; turns++)
        {
            Task task;
            lock (_tasks)
            {
                if (!_tasks.TryDequeue(out task!))
                {
                    _running = false;
                    return;
                }
            }

            TryExecuteTask(task);
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Queues a task that does not carry its maker's execution context into the grain.</summary>
    public Task Start(Action<object?> action, object state)
    {
        Task task;
        if (ExecutionContext.IsFlowSuppressed())
        {
            task = new Task(action, state);
        }
        else
        {
            using (ExecutionContext.SuppressFlow())
            {
                task = new Task(action, state);
            }
        }

        task.Start(this);
        return task;
    }

    protected override void QueueTask(Task task)
    {
        lock (_tasks)
        {
            _tasks.Enqueue(task);
            if (_running)
            {
                return;
            }

            _running = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        ReferenceEquals(Current, this) && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_tasks)
        {
            return [.. _tasks];
        }
    }
}
