using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansCache.Fuse.Protocol;

/// <summary>What we would like INIT to agree on.</summary>
/// <param name="Features">Asked for where the kernel offers them; InitExtended is added.</param>
/// <param name="PagesMax">Pages of the largest READ.</param>
/// <param name="BackgroundMax">Readahead and direct reads the kernel keeps in flight.</param>
/// <param name="StackDepthMax">1, or 2 when the backing files lie on a stacked file system.</param>
internal readonly record struct FuseWishes(
    FuseFeatures Features, ushort PagesMax, ushort BackgroundMax, uint StackDepthMax);

internal enum FuseNegotiationResult
{
    Agreed,

    /// <summary>The kernel speaks a newer major: answer with ours, it sends INIT again.</summary>
    AskAgain,

    /// <summary>Older than Linux 5.4, or not an INIT at all.</summary>
    Refused,
}

/// <summary>INIT as pure arithmetic: want and offered.</summary>
internal static class FuseNegotiation
{
    public const uint Major = 7;

    /// <summary>The newest minor whose structs are declared here.</summary>
    public const uint Minor = 45;

    /// <summary>7.31 is Linux 5.4: max_pages, and everything else we depend on, is there.</summary>
    public const uint MinorMin = 31;

    /// <summary>The kernel's floor; we take no writes.</summary>
    private const uint WriteBytesMax = 4096;

    /// <summary>Length of init_in before minor 36.</summary>
    private const int ShortInitBytes = 16;

    /// <summary>Answers the body of an INIT.</summary>
    public static FuseNegotiationResult Negotiate(ReadOnlySpan<byte> body, in FuseWishes wishes, out FuseInitOut reply)
    {
        reply = new FuseInitOut { Major = Major, Minor = Minor };
        if (body.Length < ShortInitBytes)
        {
            return FuseNegotiationResult.Refused;
        }

        FuseInitIn offer = default;
        var offerBytes = MemoryMarshal.AsBytes(new Span<FuseInitIn>(ref offer));
        body[..Math.Min(body.Length, offerBytes.Length)].CopyTo(offerBytes);
        if (offer.Major > Major)
        {
            return FuseNegotiationResult.AskAgain;
        }

        if (offer.Major < Major || offer.Minor < MinorMin)
        {
            return FuseNegotiationResult.Refused;
        }

        var offered = (FuseFeatures)offer.Flags;
        if ((offered & FuseFeatures.InitExtended) != 0 && body.Length >= Unsafe.SizeOf<FuseInitIn>())
        {
            offered |= (FuseFeatures)((ulong)offer.FlagsHigh << 32);
        }

        Fill(ref reply, offer, offered & (wishes.Features | FuseFeatures.InitExtended), wishes);
        return FuseNegotiationResult.Agreed;
    }

    /// <summary>The features of a reply.</summary>
    public static FuseFeatures Features(in FuseInitOut reply) =>
        (FuseFeatures)(reply.Flags | ((ulong)reply.FlagsHigh << 32));

    private static void Fill(ref FuseInitOut reply, in FuseInitIn offer, FuseFeatures agreed, in FuseWishes wishes)
    {
        // The kernel does not grant passthrough with depth 0; saying so here keeps Info.Passthrough true to it.
        if (wishes.StackDepthMax == 0)
        {
            agreed &= ~FuseFeatures.Passthrough;
        }

        reply.Minor = Math.Min(Minor, offer.Minor);
        reply.ReadAheadBytesMax = offer.ReadAheadBytesMax; // The kernel takes the lower one; the bdi raises it later.
        reply.Flags = (uint)agreed;
        reply.FlagsHigh = (uint)((ulong)agreed >> 32);
        reply.BackgroundMax = wishes.BackgroundMax;
        reply.CongestionThreshold = (ushort)(wishes.BackgroundMax * 3 / 4);
        reply.WriteBytesMax = WriteBytesMax;
        reply.TimeGranularityNanoseconds = 1;
        reply.PagesMax = wishes.PagesMax;
        reply.StackDepthMax = (agreed & FuseFeatures.Passthrough) != 0 ? wishes.StackDepthMax : 0;
    }
}
