namespace OrleansCache.UnderStorage.S3;

/// <summary>How objects look to programs that ask for owner and mode, which a store does not have.</summary>
/// <param name="Uid">Owner of everything.</param>
/// <param name="Gid">Group of everything.</param>
/// <param name="FileMode">Permission bits of files.</param>
/// <param name="DirectoryMode">Permission bits of directories.</param>
internal readonly record struct S3Presentation(uint Uid, uint Gid, uint FileMode, uint DirectoryMode);
