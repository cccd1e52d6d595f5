using FsCheck;
using FsCheck.Fluent;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.Files;
using Random = System.Random;

namespace OrleansCache.DataPlane.Tests;

/// <summary>The parser without sockets.</summary>
public sealed class FrameTests
{
    private static readonly FrameType[] Types = Enum.GetValues<FrameType>();

    [Fact]
    public void The_header_is_pinned_byte_for_byte()
    {
        var bytes = new byte[FrameHeader.Bytes];
        const FrameFlags Flags = FrameFlags.Answer | FrameFlags.More;
        new FrameHeader(FrameType.Read, Flags, ReadStatus.Unavailable, 0x010203, 0x0405060708090A0B, 12, 0x0D0E0F10, 17)
            .Write(bytes);

        Assert.Equal(
            "0112030700010203" + "0405060708090A0B" + "000000000000000C" + "0D0E0F10" + "00000011" + "0000000000000000",
            Convert.ToHexString(bytes));
    }

    [Fact]
    public void A_valid_header_survives_the_wire()
    {
        var seeds = ArbMap.Default.GeneratorFor<int>();
        Prop.ForAll(seeds.ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var isAnswer = random.Next(2) == 0;
            var type = Types[random.Next(Types.Length)];
            var limit = FrameLimits.MaxPayloadBytes(type, isAnswer);
            if (limit < 0)
            {
                return true;
            }

            var header = new FrameHeader(
                type,
                isAnswer ? FrameFlags.Answer | (FrameFlags)(random.Next(8) << 1) : FrameFlags.None,
                isAnswer ? (ReadStatus)random.Next(13) : ReadStatus.Ok,
                random.Next(limit + 1),
                (ulong)random.NextInt64(),
                (ulong)random.NextInt64(),
                (uint)random.NextInt64(),
                (uint)random.NextInt64());
            var bytes = new byte[FrameHeader.Bytes];
            header.Write(bytes);
            return FrameHeader.Read(bytes, out var read) == FrameError.None && read == header;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Random_bytes_never_make_the_parser_throw_or_promise_more_than_the_limit()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var bytes = new byte[FrameHeader.Bytes];
        for (var round = 0; round < 200_000; round++)
        {
            random.NextBytes(bytes);
            if (random.Next(2) == 0)
            {
                bytes[0] = FrameHeader.Version;
                bytes[1] = (byte)Types[random.Next(Types.Length)];
                bytes[2] &= 15;
                bytes[3] &= 15;
                bytes[4] = bytes[5] = 0;
                bytes.AsSpan(32).Clear();
            }

            if (FrameHeader.Read(bytes, out var header) == FrameError.None)
            {
                Assert.InRange(header.PayloadBytes, 0, FrameLimits.MaxPayloadBytes(header.Type, header.IsAnswer));
                var again = new byte[FrameHeader.Bytes];
                header.Write(again);
                Assert.True(bytes.AsSpan().SequenceEqual(again), $"seed {seed}, round {round}: not written as read");
            }
        }
    }

    [Fact]
    public void Random_payloads_never_make_a_codec_throw()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 50_000; round++)
        {
            var bytes = new byte[random.Next(400)];
            random.NextBytes(bytes);
            if (random.Next(2) == 0 && bytes.Length > 30)
            {
                bytes.AsSpan(0, 30).Clear();
            }

            _ = HandshakeOffer.TryDecode(bytes);
            _ = RangeRequest.TryRead(bytes, out _);
            _ = EnsureAnswer.TryRead(bytes, out _);
            if (LeaseAnswer.TryRead(bytes, out var lease))
            {
                Assert.True(lease.BitmapBytes == bytes.Length - LeaseAnswer.FixedBytes, $"seed {seed}, round {round}");
            }
        }
    }

    [Theory]
    [InlineData(0, 2, FrameError.Version)]
    [InlineData(1, 99, FrameError.UnknownType)]
    [InlineData(1, 0, FrameError.UnknownType)]
    [InlineData(2, 16, FrameError.Flags)]
    [InlineData(2, 2, FrameError.Flags)] // More in a request
    [InlineData(3, 1, FrameError.Status)] // a status in a request
    [InlineData(4, 1, FrameError.PayloadTooLong)]
    [InlineData(4, 0x80, FrameError.PayloadTooLong)] // negative
    [InlineData(39, 1, FrameError.Flags)] // reserved bytes
    public void A_wrong_byte_is_named(int offset, byte value, FrameError error)
    {
        var bytes = new byte[FrameHeader.Bytes];
        new FrameHeader(FrameType.Read, FrameFlags.None, ReadStatus.Ok, RangeRequest.Bytes, 1).Write(bytes);
        bytes[offset] = value;

        Assert.Equal(error, FrameHeader.Read(bytes, out _));
    }

    [Theory]
    [InlineData(0, 4096, 0)]
    [InlineData(1, 4096, 1)]
    [InlineData(8 * 4096, 4096, 1)]
    [InlineData((8 * 4096) + 1, 4096, 2)]
    [InlineData(long.MaxValue, 1, (1L << 60))]
    public void A_lease_knows_how_long_its_bitmap_is(long lengthBytes, int blockSizeBytes, long bitmapBytes) =>
        Assert.Equal(bitmapBytes, new LeaseAnswer(1, lengthBytes, blockSizeBytes, false).BitmapBytes);

    [Fact]
    public void Every_request_type_has_a_bound_of_at_most_eight_kibibytes() => Assert.All(
        Types, type => Assert.InRange(FrameLimits.MaxPayloadBytes(type, isAnswer: false), 0, 8192));
}
