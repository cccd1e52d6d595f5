namespace OrleansCache.Silo.GrainStorage;

/// <summary>One question to the database, done on its thread.</summary>
internal abstract class StorageRequest
{
    /// <summary>Whether it changes something: only then a transaction is needed.</summary>
    public abstract bool Writes { get; }

    /// <summary>Does it. A failure of the request itself is kept for <see cref="Finish"/>; one of the database is thrown.</summary>
    public abstract void Execute(SqliteDatabase database);

    /// <summary>It is durable: tells who waits.</summary>
    public abstract void Finish();

    /// <summary>It did not happen.</summary>
    public abstract void Fail(Exception failure);
}

/// <summary>One question with an answer.</summary>
internal sealed class StorageRequest<TResult>(bool writes, Func<SqliteDatabase, TResult> work) : StorageRequest
{
    private readonly TaskCompletionSource<TResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TResult _result = default!;

    public Task<TResult> Completion => _done.Task;

    public override bool Writes => writes;

    public override void Execute(SqliteDatabase database) => _result = work(database);

    public override void Finish() => _done.TrySetResult(_result);

    public override void Fail(Exception failure) => _done.TrySetException(failure);
}
