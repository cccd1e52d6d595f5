using System.Runtime.InteropServices;

namespace OrleansCache.Fuse.Protocol;

/// <summary>Body of INIT from a kernel of minor 36 and later; older ones send the first 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseInitIn
{
    public uint Major;
    public uint Minor;
    public uint ReadAheadBytesMax;

    /// <summary>Bits 0 to 31 of <see cref="FuseFeatures"/>.</summary>
    public uint Flags;

    /// <summary>Bits 32 to 63; only with <see cref="FuseFeatures.InitExtended"/>.</summary>
    public uint FlagsHigh;
    private unsafe fixed uint _unused[11];
}

/// <summary>Reply to INIT.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseInitOut
{
    public uint Major;
    public uint Minor;
    public uint ReadAheadBytesMax;
    public uint Flags;
    public ushort BackgroundMax;
    public ushort CongestionThreshold;
    public uint WriteBytesMax;
    public uint TimeGranularityNanoseconds;
    public ushort PagesMax;
    public ushort MapAlignment;
    public uint FlagsHigh;

    /// <summary>One more than the mounts that may lie below a passthrough file; 0 forbids passthrough.</summary>
    public uint StackDepthMax;
    public ushort RequestTimeoutSeconds;
    private unsafe fixed ushort _unused[11];
}

/// <summary>What kernel and daemon agree on at INIT (FUSE_* init flags, both words).</summary>
[Flags]
internal enum FuseFeatures : ulong
{
    None = 0,
    AsyncRead = 1UL << 0,
    PosixLocks = 1UL << 1,
    AtomicTruncate = 1UL << 3,
    ExportSupport = 1UL << 4,
    BigWrites = 1UL << 5,
    AutoInvalidateData = 1UL << 12,
    ReadDirPlus = 1UL << 13,
    ReadDirPlusAuto = 1UL << 14,
    AsyncDirectIo = 1UL << 15,
    WritebackCache = 1UL << 16,
    NoOpenSupport = 1UL << 17,
    ParallelDirectoryOperations = 1UL << 18,
    AbortError = 1UL << 21,
    MaxPages = 1UL << 22,
    CacheSymlinks = 1UL << 23,
    NoOpenDirSupport = 1UL << 24,
    ExplicitInvalidateData = 1UL << 25,
    InitExtended = 1UL << 30,
    HasExpireOnly = 1UL << 35,
    DirectIoAllowMmap = 1UL << 36,
    Passthrough = 1UL << 37,
    NoExportSupport = 1UL << 38,
    HasResend = 1UL << 39,
    AllowIdMap = 1UL << 40,
    OverIoUring = 1UL << 41,
    RequestTimeout = 1UL << 42,
}
