namespace OrleansCache.Silos;

/// <summary>One silo (key: its name) as its administrator speaks to it.</summary>
[Alias("ISiloGrain")]
public interface ISiloGrain : IGrainWithStringKey
{
    /// <summary>Takes one of its disks out of service, or puts it in again. Doing it twice is no error.</summary>
    /// <param name="directory">The tier's directory, as the silo's status has it.</param>
    /// <param name="inService">Whether it is to be used.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The directory.</returns>
    /// <exception cref="CacheRequestException">There is no such disk, or it cannot be opened.</exception>
    [Alias("SetDisk")]
    ValueTask<string> SetDisk(string directory, bool inService, CancellationToken cancellationToken);
}
