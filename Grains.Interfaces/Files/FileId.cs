using System.Globalization;

namespace OrleansCache.Files;

/// <summary>
/// What a file is, across renames and new contents. Directory source: source, fsid, inode and generation; S3: source and key at
/// first sight, then carried by rename. The under storage driver makes it; everybody else only compares it.
/// </summary>
/// <param name="High">Upper 64 bits.</param>
/// <param name="Low">Lower 64 bits.</param>
[GenerateSerializer, Immutable, Alias("fid")]
public readonly record struct FileId([property: Id(0)] ulong High, [property: Id(1)] ulong Low)
{
    /// <summary>What the mount shows as <c>st_ino</c>: never 0 or 1, which the kernel keeps for itself.</summary>
    public ulong InodeNumber => Low > 1 ? Low : Low + 2;

    /// <summary>Thirty-two hexadecimal digits.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{High:x16}{Low:x16}");
}
