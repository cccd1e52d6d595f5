namespace Orleans.Runtime;

/// <summary>Something an activation does as one request: a call or a timer's callback.</summary>
internal abstract class Work
{
    /// <summary>When it was queued; when it started, once it runs.</summary>
    public long Since { get; set; }
    public abstract bool IsReadOnly { get; }
    public abstract bool IsAlwaysInterleave { get; }
    /// <summary>What a MayInterleave predicate is asked about; null for timers.</summary>
    public virtual Invokable? Call => null;
    /// <summary>Whether it counts as use of the grain.</summary>
    public virtual bool KeepsAlive => true;
    public abstract string Name { get; }
    /// <summary>Runs on the activation's scheduler. Never throws.</summary>
    public abstract Task RunAsync(Activation activation);
    /// <summary>Ends it without running.</summary>
    public abstract void Reject(Exception exception);
}
