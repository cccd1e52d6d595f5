namespace OrleansCache.Files;

/// <summary>What an entry of a directory is.</summary>
public enum FileKind : byte
{
    /// <summary>A regular file: the only kind with blocks.</summary>
    File = 1,

    /// <summary>A directory.</summary>
    Directory = 2,

    /// <summary>A symbolic link; its target is served as it is and resolved by the reader's kernel.</summary>
    Symlink = 3,

    /// <summary>A device, socket or pipe: listed with its attributes, never opened.</summary>
    Other = 4,
}
