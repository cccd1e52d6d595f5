namespace OrleansCache.DataPlane;

/// <summary>Where a silo serves blocks.</summary>
/// <param name="Host">Address of the data port.</param>
/// <param name="Port">Data port.</param>
/// <param name="SocketPath">Its Unix socket, or null when it is on another host or has none.</param>
public sealed record DataEndpoint(string Host, int Port, string? SocketPath);
