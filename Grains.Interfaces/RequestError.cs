namespace OrleansCache;

/// <summary>Kinds of refused requests.</summary>
public enum RequestError : byte
{
    /// <summary>An argument is malformed or out of range.</summary>
    InvalidArgument = 1,

    /// <summary>The path or source does not exist.</summary>
    NotFound = 2,

    /// <summary>The path is taken, or overlaps another.</summary>
    AlreadyExists = 3,

    /// <summary>The under storage refuses us.</summary>
    AccessDenied = 4,

    /// <summary>The under storage or the cluster cannot be reached.</summary>
    Unavailable = 5,
}
