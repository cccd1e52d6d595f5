namespace OrleansCache.Namespaces;

/// <summary>Which cached data of a source goes first when room is needed. Option <c>eviction</c>.</summary>
public enum EvictionKind : byte
{
    /// <summary>S3-FIFO: popular data stays, single passes leave no trace.</summary>
    S3Fifo,

    /// <summary>Least recently used first.</summary>
    Lru,

    /// <summary>For data that is read again and again as a whole: keeps a stable part of it.</summary>
    Epoch,
}
