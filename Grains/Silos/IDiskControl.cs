namespace OrleansCache.Grains.Silos;

/// <summary>The disks of the silo a grain runs on. Thread-safe.</summary>
public interface IDiskControl
{
    /// <summary>The silo's name.</summary>
    string SiloName { get; }

    /// <summary>Takes a disk out of service or puts it in again.</summary>
    /// <exception cref="CacheRequestException">It cannot be done; the message says why.</exception>
    Task SetAsync(string directory, bool inService, CancellationToken cancellationToken);
}
