using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Tests.Protocol;

public sealed class FuseNegotiationTests
{
    private const FuseFeatures Wanted = FuseFeatures.AsyncRead | FuseFeatures.MaxPages | FuseFeatures.Passthrough;
    private static readonly FuseWishes Wishes = new(Wanted, 256, 64, 1);

    [Fact]
    public void Only_what_both_sides_want_is_agreed() => Prop.ForAll<uint, uint>((low, high) =>
    {
        var result = Negotiate(new FuseInitIn { Major = 7, Minor = 45, Flags = low, FlagsHigh = high }, out var reply);
        var agreed = FuseNegotiation.Features(in reply);
        var offered = (FuseFeatures)(low | ((ulong)high << 32));
        return result == FuseNegotiationResult.Agreed
            && (agreed & ~offered) == 0 && (agreed & ~(Wanted | FuseFeatures.InitExtended)) == 0;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_kernel_like_ours_gets_all_wishes()
    {
        var offer = new FuseInitIn
        {
            Major = 7,
            Minor = 45,
            Flags = uint.MaxValue,
            FlagsHigh = uint.MaxValue,
            ReadAheadBytesMax = 131072,
        };
        Assert.Equal(FuseNegotiationResult.Agreed, Negotiate(offer, out var reply));
        Assert.Equal(Wanted | FuseFeatures.InitExtended, FuseNegotiation.Features(in reply));
        Assert.Equal((256, 64, 48), (reply.PagesMax, reply.BackgroundMax, reply.CongestionThreshold));
        Assert.Equal(1u, reply.StackDepthMax);
        Assert.Equal(131072u, reply.ReadAheadBytesMax);
    }

    [Fact]
    public void High_features_need_the_extended_bit()
    {
        var offer = new FuseInitIn { Major = 7, Minor = 45, Flags = 0, FlagsHigh = uint.MaxValue };
        Negotiate(offer, out var reply);
        Assert.Equal(FuseFeatures.None, FuseNegotiation.Features(in reply));
        Assert.Equal(0u, reply.StackDepthMax);
    }

    [Fact]
    public void The_lower_minor_is_spoken_and_a_short_offer_is_understood()
    {
        var offer = new FuseInitIn { Major = 7, Minor = 31, Flags = (uint)FuseFeatures.AsyncRead };
        var bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<FuseInitIn>(in offer));
        Assert.Equal(FuseNegotiationResult.Agreed, FuseNegotiation.Negotiate(bytes[..16], in Wishes, out var reply));
        Assert.Equal(31u, reply.Minor);
        Assert.Equal(FuseFeatures.AsyncRead, FuseNegotiation.Features(in reply));
    }

    [Theory]
    [InlineData(8u, 0u, FuseNegotiationResult.AskAgain)]
    [InlineData(7u, 30u, FuseNegotiationResult.Refused)]
    [InlineData(6u, 45u, FuseNegotiationResult.Refused)]
    internal void Other_versions_are_answered_as_the_protocol_says(
        uint major, uint minor, FuseNegotiationResult expected) =>
        Assert.Equal(expected, Negotiate(new FuseInitIn { Major = major, Minor = minor }, out _));

    [Fact]
    public void Any_bytes_are_answered() => Prop.ForAll<byte[]>(bytes =>
    {
        var result = FuseNegotiation.Negotiate(bytes, in Wishes, out _);
        return bytes.Length >= 16 || result == FuseNegotiationResult.Refused;
    }).QuickCheckThrowOnFailure();

    private static FuseNegotiationResult Negotiate(FuseInitIn offer, out FuseInitOut reply) =>
        FuseNegotiation.Negotiate(
            MemoryMarshal.AsBytes(new ReadOnlySpan<FuseInitIn>(in offer)), in Wishes, out reply);
}
