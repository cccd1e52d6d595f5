using System.Diagnostics;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.Files;
using Xunit.Abstractions;

namespace OrleansCache.DataPlane.Tests.Fuzz;

/// <summary>No parser throws, whatever the bytes; and what one accepts is what our own writer writes.</summary>
public sealed class ParserFuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void Parsers_never_throw_and_accept_only_what_we_write()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var mutator = new Mutator(seed);
        var parsers = Parsers();
        var start = Stopwatch.GetTimestamp();
        var (rounds, accepted) = (0L, 0L);
        for (; Stopwatch.GetElapsedTime(start) < Mutator.Budget; rounds++)
        {
            var (name, recording, parse) = parsers[mutator.Random.Next(parsers.Count)];
            var bytes = mutator.Mutate(recording);
            try
            {
                if (parse(bytes) is { } written)
                {
                    accepted++;
                    Assert.True(bytes.AsSpan(0, written.Length).SequenceEqual(written), $"{name} accepts what it does not write");
                }
            }
            catch (Exception exception)
            {
                Assert.Fail($"seed {seed}, round {rounds}, {name}, {Convert.ToHexString(bytes)}: {exception}");
            }
        }

        output.WriteLine($"{rounds:N0} rounds, {accepted:N0} accepted");
        Assert.True(rounds > 1000 && accepted > 0, $"only {rounds} rounds, {accepted} accepted");
    }

    /// <summary>Name, a valid recording, and the parser: what it understood written again, or null.</summary>
    private static List<(string Name, byte[] Recording, Func<byte[], byte[]?> Parse)> Parsers()
    {
        var key = new FileKey(3, 4);
        var capability = Batches.Capability("a/path/of some ünicode");
        var sealedBytes = Written(capability.EncodedBytes, bytes => capability.Encode(bytes));
        var offer = new HandshakeIdentity(PeerRole.Client, "a cluster", "secret"u8.ToArray()).MakeOffer(Features.Offered, 64);
        return
        [
            ("header", RawPeer.Frame(FrameType.Read, default, id: 77), ParseHeader),
            ("range", Written(RangeRequest.Bytes, new RangeRequest(key, 5, 6).Write), static bytes =>
                RangeRequest.TryRead(bytes, out var range) ? Written(RangeRequest.Bytes, range.Write) : null),
            ("report", Written(ReportCodec.EntryBytes, bytes => ReportCodec.Write(new UsageReport(key, 1, 2), bytes)), ParseReport),
            ("lease", Written(LeaseAnswer.FixedBytes, new LeaseAnswer(7, 4096, 4096, true).Write), static bytes =>
                LeaseAnswer.TryRead(bytes, out var lease) ? Written(LeaseAnswer.FixedBytes, lease.Write) : null),
            ("ensure", Written(EnsureAnswer.Bytes, new EnsureAnswer(7, 4096).Write), static bytes =>
                EnsureAnswer.TryRead(bytes, out var ensured) ? Written(EnsureAnswer.Bytes, ensured.Write) : null),
            ("capability", sealedBytes, ParseCapability),
            ("batch", Written(BatchCodec.BytesOf(capability), bytes => BatchCodec.Write(new RangeRequest(key, 5, 6), capability, bytes)), ParseBatch),
            ("offer", offer.Encode(), static bytes => HandshakeOffer.TryDecode(bytes) is { } known && known.ClusterId.All(char.IsAscii)
                ? known.Encode() : null),
        ];
    }

    private static byte[]? ParseHeader(byte[] bytes) =>
        bytes.Length >= FrameHeader.Bytes && FrameHeader.Read(bytes, out var header) == FrameError.None
            ? Written(FrameHeader.Bytes, header.Write)
            : null;

    private static byte[]? ParseReport(byte[] bytes) =>
        bytes.Length >= ReportCodec.EntryBytes && ReportCodec.TryRead(bytes, out var report)
            ? Written(ReportCodec.EntryBytes, destination => ReportCodec.Write(report, destination))
            : null;

    private static byte[]? ParseCapability(byte[] bytes)
    {
        if (!ReadCapability.TryDecode(bytes, out var capability))
        {
            return null;
        }

        Assert.False(capability!.IsValid("the sealing key of the silo"u8, DateTimeOffset.UnixEpoch));
        return Written(capability.EncodedBytes, destination => capability.Encode(destination));
    }

    private static byte[]? ParseBatch(byte[] bytes)
    {
        ReadOnlySpan<byte> source = bytes;
        if (!BatchCodec.TryTake(ref source, out var range, out var sealedBytes))
        {
            return null;
        }

        var written = new byte[BatchCodec.FixedBytes];
        BatchCodec.Write(range, null, written);
        return sealedBytes.IsEmpty ? written : null;
    }

    private delegate void Writer(Span<byte> destination);

    private static byte[] Written(int length, Writer write)
    {
        var bytes = new byte[length];
        write(bytes);
        return bytes;
    }
}
