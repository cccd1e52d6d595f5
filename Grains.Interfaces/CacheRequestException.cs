namespace OrleansCache;

/// <summary>A request that cannot be done as asked. The message says what was asked, what is wrong and what to do.</summary>
[GenerateSerializer, Alias("requesterror")]
public sealed class CacheRequestException : Exception
{
    /// <summary>Makes one.</summary>
    /// <param name="error">What kind of mistake; the CLI's exit code follows from it.</param>
    /// <param name="message">A full sentence for the person who asked.</param>
    public CacheRequestException(RequestError error, string message)
        : base(message) => Error = error;

    /// <summary>What kind of mistake it is.</summary>
    [Id(0)] public RequestError Error { get; private set; }
}
