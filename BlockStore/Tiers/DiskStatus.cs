namespace OrleansCache.BlockStore.Tiers;

/// <summary>Whether a disk is used.</summary>
public enum DiskState : byte
{
    /// <summary>It serves and takes fills.</summary>
    In,

    /// <summary>Somebody took it out.</summary>
    Out,

    /// <summary>It failed and was taken out for that.</summary>
    Failed,
}

/// <summary>One disk of the silo as it is now.</summary>
/// <param name="Directory">Its tier directory.</param>
/// <param name="Medium">What it is made of.</param>
/// <param name="CapacityBytes">What it may hold.</param>
/// <param name="State">Whether it is used.</param>
/// <param name="Reason">Why it is not; null while it is.</param>
/// <param name="ScrubbedBytes">What was read and compared in the background since the process started.</param>
/// <param name="Stats">What its store counts; null while it is out.</param>
public sealed record DiskStatus(
    string Directory, TierMedium Medium, long CapacityBytes, DiskState State, string? Reason, long ScrubbedBytes, BlockStoreStats? Stats);

/// <summary>What became of a wish to take a disk out or to put it in.</summary>
public enum DiskChange : byte
{
    /// <summary>Done, or it was so already.</summary>
    Done,

    /// <summary>There is no such directory.</summary>
    Unknown,

    /// <summary>Readers from before it was taken out are still there, or somebody else is at it: ask again later.</summary>
    Busy,

    /// <summary>It cannot be opened: the reason is in its status.</summary>
    Refused,
}
