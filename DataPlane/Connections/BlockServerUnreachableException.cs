namespace OrleansCache.DataPlane.Connections;

/// <summary>No connection to a block server now. Trying again may help.</summary>
public sealed class BlockServerUnreachableException(string message, Exception? cause = null) : IOException(message, cause);
