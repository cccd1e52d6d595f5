namespace OrleansCache.Silo.GrainStorage;

/// <summary>The store of grain state cannot be used. The message says which file, what happened and what to do.</summary>
internal sealed class GrainStorageException(string message, Exception? inner = null) : Exception(message, inner);
