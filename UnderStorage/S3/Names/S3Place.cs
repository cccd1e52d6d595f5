using OrleansCache.Files;

namespace OrleansCache.UnderStorage.S3;

/// <summary>What a path means in the bucket; it depends on the path alone, never on what the bucket holds.</summary>
/// <param name="Key">
/// Key relative to the source's prefix, with no slash added. Empty for the root, and for <c>%empty</c> in the root: the object of
/// that is the source's prefix itself, so where the source has none there is no such object and nobody must ask for it.
/// </param>
/// <param name="Kind">Object, prefix, or whichever is there.</param>
internal readonly record struct S3Place(string Key, S3PlaceKind Kind)
{
    /// <summary>The source's root.</summary>
    public static readonly S3Place Root = new(string.Empty, S3PlaceKind.PrefixOnly) { IsRoot = true };

    /// <summary>Whether this is the source's root: the only place whose prefix is not its key and a slash.</summary>
    public bool IsRoot { get; private init; }

    /// <summary>What the keys below this place begin with, relative to the source's prefix.</summary>
    public string Prefix => IsRoot ? string.Empty : Key + "/";

    /// <summary>
    /// Whether an object of this key is the marker of the directory above when it is empty: such an object is not a file.
    /// </summary>
    public bool IsMarkerWhenEmpty => Key.Length == 0 || Key[^1] == '/';

    /// <summary>What a path means, knowing what is there.</summary>
    /// <param name="objectLength">Length of the object of this key; null = there is none.</param>
    /// <param name="hasKeysBelow">
    /// Whether a key begins with <see cref="Prefix"/>. Not looked at for a file that is not empty, so one HEAD is enough there.
    /// </param>
    /// <returns>File, Directory, or null for nothing.</returns>
    public FileKind? Decide(long? objectLength, bool hasKeysBelow)
    {
        if (IsRoot)
        {
            return FileKind.Directory;
        }

        var isFile = objectLength is { } length && !(length == 0 && IsMarkerWhenEmpty);
        return Kind switch
        {
            S3PlaceKind.ObjectOnly => isFile ? FileKind.File : null,
            S3PlaceKind.PrefixOnly => hasKeysBelow ? FileKind.Directory : null,
            _ when isFile && objectLength > 0 => FileKind.File,
            _ when hasKeysBelow => FileKind.Directory,
            _ => isFile ? FileKind.File : null,
        };
    }
}
