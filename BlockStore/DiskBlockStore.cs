using Microsoft.Extensions.Logging;

namespace OrleansCache.BlockStore;

/// <summary>The block store over one tier directory.</summary>
public static class DiskBlockStore
{
    /// <summary>
    /// Opens or creates the store. Throws <see cref="BlockStoreException"/>, whose message says what to do, when the
    /// directory cannot be used. Disposing the store makes a barrier and a checkpoint.
    /// </summary>
    public static Task<IBlockStore> OpenAsync(
        BlockStoreOptions options, ILogger logger, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The disk store arrives with the next commit.");
}
