namespace Orleans.Runtime;

/// <summary>One activation of a grain, as the runtime sees it.</summary>
public interface IGrainContext
{
    /// <summary>Who the grain is.</summary>
    GrainId GrainId { get; }
    /// <summary>The grain object; null until it is made.</summary>
    object? GrainInstance { get; }
    /// <summary>The services of this activation, disposed with it.</summary>
    IServiceProvider ActivationServices { get; }
    /// <summary>Ends with the deactivation.</summary>
    Task Deactivated { get; }
    /// <summary>Starts deactivating once the running calls are done.</summary>
    void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default);
}

/// <summary>Why an activation ends. Orleans has more; the numbers are its.</summary>
public enum DeactivationReasonCode : byte
{
    /// <summary>Unknown.</summary>
    None = 0,
    /// <summary>The silo stops.</summary>
    ShuttingDown = 1,
    /// <summary>It could not be activated.</summary>
    ActivationFailed = 2,
    /// <summary>Nobody called for the collection age.</summary>
    ActivationIdle = 4,
    /// <summary>An error in the application, such as an ETag conflict.</summary>
    ApplicationError = 8,
    /// <summary>The application asked for it.</summary>
    ApplicationRequested = 9,
    /// <summary>The runtime asked for it.</summary>
    RuntimeRequested = 11,
}

/// <summary>Why an activation ends, with words and the cause.</summary>
public readonly struct DeactivationReason(DeactivationReasonCode code, Exception? exception, string text)
{
    /// <summary>A reason without an exception.</summary>
    public DeactivationReason(DeactivationReasonCode code, string text)
        : this(code, null, text)
    {
    }

    /// <summary>The kind.</summary>
    public DeactivationReasonCode ReasonCode { get; } = code;
    /// <summary>The words.</summary>
    public string Description { get; } = text;
    /// <summary>The cause, if an exception.</summary>
    public Exception? Exception { get; } = exception;
    /// <inheritdoc/>
    public override string ToString() => $"{ReasonCode}: {Description} {Exception?.Message}";
}
