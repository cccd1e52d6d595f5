namespace OrleansCache.Fuse.Protocol;

/// <summary>The request codes of the FUSE kernel protocol up to 7.45.</summary>
internal enum FuseOpcode : uint
{
    Lookup = 1,
    Forget = 2,
    GetAttr = 3,
    SetAttr = 4,
    ReadLink = 5,
    Symlink = 6,
    MakeNode = 8,
    MakeDirectory = 9,
    Unlink = 10,
    RemoveDirectory = 11,
    Rename = 12,
    Link = 13,
    Open = 14,
    Read = 15,
    Write = 16,
    StatFs = 17,
    Release = 18,
    FSync = 20,
    SetXAttr = 21,
    GetXAttr = 22,
    ListXAttr = 23,
    RemoveXAttr = 24,
    Flush = 25,
    Init = 26,
    OpenDir = 27,
    ReadDir = 28,
    ReleaseDir = 29,
    FSyncDir = 30,
    GetLock = 31,
    SetLock = 32,
    SetLockWait = 33,
    Access = 34,
    Create = 35,
    Interrupt = 36,
    BlockMap = 37,
    Destroy = 38,
    Ioctl = 39,
    Poll = 40,
    NotifyReply = 41,
    BatchForget = 42,
    Allocate = 43,
    ReadDirPlus = 44,
    Rename2 = 45,
    Seek = 46,
    CopyFileRange = 47,
    SetupMapping = 48,
    RemoveMapping = 49,
    SyncFs = 50,
    TempFile = 51,
    Statx = 52,
    CopyFileRange64 = 53,
}

/// <summary>Facts about opcodes that the session's table needs.</summary>
internal static class FuseOpcodes
{
    /// <summary>One more than the largest known code: the length of per-opcode tables.</summary>
    public const int Count = 54;

    /// <summary>True for operations that would change the file system: a read-only mount answers EROFS.</summary>
    public static bool Changes(FuseOpcode opcode) => opcode is FuseOpcode.SetAttr or FuseOpcode.Symlink
        or FuseOpcode.MakeNode or FuseOpcode.MakeDirectory or FuseOpcode.Unlink or FuseOpcode.RemoveDirectory
        or FuseOpcode.Rename or FuseOpcode.Rename2 or FuseOpcode.Link or FuseOpcode.Write or FuseOpcode.SetXAttr
        or FuseOpcode.RemoveXAttr or FuseOpcode.Create or FuseOpcode.Allocate or FuseOpcode.CopyFileRange
        or FuseOpcode.CopyFileRange64 or FuseOpcode.TempFile;

    /// <summary>True for messages the kernel expects no reply to.</summary>
    public static bool HasNoReply(FuseOpcode opcode) =>
        opcode is FuseOpcode.Forget or FuseOpcode.BatchForget or FuseOpcode.Interrupt or FuseOpcode.NotifyReply;
}
