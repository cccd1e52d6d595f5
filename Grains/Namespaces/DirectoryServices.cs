using Microsoft.Extensions.Logging;
using OrleansCache.Grains.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Namespaces;

/// <summary>What a directory's answers need from its silo.</summary>
internal sealed record DirectoryServices(
    IUnderStorageCatalog UnderStorages, ICapabilitySealer Sealer, IListingStore Listings, SyncFloors Floors, IChangePublisher Changes,
    TimeProvider Time, ILogger Logger)
{
    /// <summary>Time since a moment; never negative.</summary>
    public TimeSpan AgeOf(Moment asked)
    {
        var age = Time.GetElapsedTime(asked.At);
        return age > TimeSpan.Zero ? age : TimeSpan.Zero;
    }

    /// <summary>The timestamp that is a time ago.</summary>
    public long Ago(TimeSpan age)
    {
        var ticks = age.TotalSeconds * Time.TimestampFrequency;
        return Time.GetTimestamp() - (ticks < long.MaxValue / 2 ? (long)ticks : long.MaxValue / 2);
    }
}
