using Microsoft.Win32.SafeHandles;

namespace OrleansCache.BlockStore;

/// <summary>Where a fill writes: a cache file, or a place in a log segment.</summary>
internal interface IFillPlace : IPinOwner
{
    /// <summary>What <see cref="IFillProgress.Generation"/> says.</summary>
    long Generation { get; }

    /// <summary>Counts a reader or writer; the slot for <see cref="IPinOwner.Unpin"/>.</summary>
    int Pin();

    /// <summary>The file of a block that was shown, for a reader that is counted; null if it is not there or not proven any more.</summary>
    SafeFileHandle? ShownHandle(int block);
}
