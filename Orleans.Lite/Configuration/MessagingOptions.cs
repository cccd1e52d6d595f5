namespace Orleans.Configuration;

/// <summary>Limits and times of messages, the same for silos and clients.</summary>
public abstract class MessagingOptions
{
    /// <summary>How long a caller waits for an answer. Then the outcome is unknown.</summary>
    public TimeSpan ResponseTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a request whose caller no longer waits is dropped instead of run.</summary>
    public bool DropExpiredMessages { get; set; } = true;

    /// <summary>Largest header: addresses and request context.</summary>
    public int MaxMessageHeaderSize { get; set; } = 10 * 1024 * 1024;

    /// <summary>Largest body: arguments or a result.</summary>
    public int MaxMessageBodySize { get; set; } = 100 * 1024 * 1024;

    /// <summary>Whether a timeout at the caller cancels the callee's token.</summary>
    public bool CancelRequestOnTimeout { get; set; }
}

/// <summary>Limits and times of messages of a silo.</summary>
public class SiloMessagingOptions : MessagingOptions
{
    /// <summary>A client from which nothing came for this long is dropped.</summary>
    public TimeSpan ClientDropTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How many requests may wait at one activation; more are refused. 0 for Lite's default of 10,000.
    /// </summary>
    public int MaxEnqueuedRequestsHardLimit { get; set; }
}

/// <summary>Limits and times of messages of a client.</summary>
public class ClientMessagingOptions : MessagingOptions;
