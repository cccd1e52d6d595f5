namespace OrleansCache.Files;

/// <summary>How a request ended. Expected outcomes are values; one table in Fuse turns them into errno.</summary>
public enum ReadStatus : byte
{
    /// <summary>Done.</summary>
    Ok = 0,

    /// <summary>No such path.</summary>
    NotFound = 1,

    /// <summary>A directory was needed.</summary>
    NotADirectory = 2,

    /// <summary>A file was needed.</summary>
    IsADirectory = 3,

    /// <summary>The under storage refuses us, or the capability does not allow it.</summary>
    AccessDenied = 4,

    /// <summary>The version asked for is gone from the under storage and not wholly cached: open again.</summary>
    StaleVersion = 5,

    /// <summary>No answer within the caller's deadline.</summary>
    DeadlineExceeded = 6,

    /// <summary>The silo or the under storage cannot be reached, or failed the request.</summary>
    Unavailable = 7,

    /// <summary>The block server does not know this FileKey: present the capability, then ask again.</summary>
    CapabilityRequired = 8,

    /// <summary>The capability's seal is wrong or its time is over: look the file up again.</summary>
    CapabilityRefused = 9,

    /// <summary>The leased cache file was replaced: take a new lease.</summary>
    LeaseExpired = 10,

    /// <summary>The request is malformed or out of range.</summary>
    InvalidRequest = 11,

    /// <summary>The operation is not served (a descriptor over TCP, a write on a read-only source).</summary>
    NotSupported = 12,
}
