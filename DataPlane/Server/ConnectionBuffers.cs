namespace OrleansCache.DataPlane.Server;

/// <summary>
/// What serving a connection needs and waiting does not: it belongs to the thread, so 10,000 idle connections have none.
/// </summary>
internal sealed class ConnectionBuffers
{
    public byte[] Input { get; } = new byte[ServerConnection.InputBytes];

    public byte[] Output { get; } = new byte[ServerConnection.OutputBytes];
}
