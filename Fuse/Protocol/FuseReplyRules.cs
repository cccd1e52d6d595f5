namespace OrleansCache.Fuse.Protocol;

/// <summary>
/// Which lengths of a successful reply the kernel takes. It refuses others with EINVAL and may leave the caller
/// waiting for ever, so the session checks before it writes: a wrong one becomes EIO.
/// </summary>
internal static class FuseReplyRules
{
    /// <summary>A link's target, without NUL.</summary>
    public const int LinkBytesMax = 4095;

    /// <summary>True when a reply of this length may be written.</summary>
    /// <param name="opcode">What was asked.</param>
    /// <param name="askedBytes">The request's own size field; 0 without one.</param>
    /// <param name="lengthBytes">Of the data after the header.</param>
    public static unsafe bool Allows(FuseOpcode opcode, uint askedBytes, int lengthBytes) => opcode switch
    {
        FuseOpcode.Lookup => lengthBytes == sizeof(FuseEntryOut),
        FuseOpcode.GetAttr => lengthBytes == sizeof(FuseAttributesOut),
        FuseOpcode.Open or FuseOpcode.OpenDir => lengthBytes == sizeof(FuseOpenOut),
        FuseOpcode.StatFs => lengthBytes == sizeof(FuseStatFsOut),
        FuseOpcode.ReadLink => lengthBytes is > 0 and <= LinkBytesMax,
        FuseOpcode.Read or FuseOpcode.ReadDir or FuseOpcode.ReadDirPlus => (uint)lengthBytes <= askedBytes,
        FuseOpcode.GetXAttr or FuseOpcode.ListXAttr => askedBytes == 0
            ? lengthBytes == sizeof(FuseXAttrOut)
            : (uint)lengthBytes <= askedBytes,
        _ => lengthBytes == 0,
    };

    /// <summary>The size field of a request's body; 0 for operations without one or with a short body.</summary>
    public static uint AskedBytes(FuseOpcode opcode, ReadOnlySpan<byte> body) => opcode switch
    {
        FuseOpcode.Read or FuseOpcode.ReadDir or FuseOpcode.ReadDirPlus =>
            FuseMessage.TryOverlay<FuseReadIn>(body, out var read) ? read[0].SizeBytes : 0,
        FuseOpcode.GetXAttr or FuseOpcode.ListXAttr =>
            FuseMessage.TryOverlay<FuseXAttrIn>(body, out var attribute) ? attribute[0].SizeBytes : 0,
        _ => 0,
    };
}
