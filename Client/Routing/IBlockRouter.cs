using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;

namespace OrleansCache.Routing;

/// <summary>Finds the silo that serves a file's blocks.</summary>
internal interface IBlockRouter
{
    /// <summary>
    /// One attempt: an open connection to the silo for a key, or null when there is none now. A caller that wants to wait pauses
    /// and asks again.
    /// </summary>
    /// <exception cref="SiloRefusesException">The silo refuses this client: asking again does not help.</exception>
    ValueTask<IBlockConnection?> FindAsync(FileKey key, CancellationToken cancellationToken);

    /// <summary>Names the silo that serves a key, as far as is known: what is equal may be asked for together.</summary>
    string? SiloOf(FileKey key);
}
