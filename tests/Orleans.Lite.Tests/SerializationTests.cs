using FsCheck;
using FsCheck.Fluent;
using Orleans;
using Orleans.Runtime;
using Orleans.Serialization;

namespace OrleansCache.Orleans.Lite.Tests;

/// <summary>The wire format on its own.</summary>
public sealed class SerializationTests
{
    private static readonly CodecProvider Codecs = new(
        new TypeNames([typeof(Dog), typeof(KnownException), typeof(Mutable)]), static (_, _) =>
            throw new NotSupportedException());

    [GenerateSerializer]
    public sealed class Old
    {
        [Id(0)]
        public int A { get; set; }

        [Id(5)]
        public string B { get; set; } = "default";
    }

    [GenerateSerializer]
    public sealed class New
    {
        [Id(0)]
        public int A { get; set; }

        [Id(1)]
        public List<Point> Added { get; set; } = [];

        [Id(2)]
        public Mutable? AddedToo { get; set; }

        [Id(3)]
        public double AddedThree { get; set; }

        [Id(4)]
        public Guid AddedFour { get; set; }

        [Id(5)]
        public string B { get; set; } = "default";

        [Id(6)]
        public string C { get; set; } = "kept";
    }

    [Fact]
    public void Unknown_ids_are_skipped()
    {
        var bytes = Write(new New
        {
            A = 1,
            Added = [new(1, 2)],
            AddedToo = new Mutable { Items = { 1 } },
            AddedThree = 3,
            AddedFour = Guid.NewGuid(),
            B = "b",
        });
        var old = Read<Old>(bytes);
        Assert.Equal((1, "b"), (old.A, old.B));
    }

    [Fact]
    public void Members_that_are_missing_keep_what_the_constructor_gave()
    {
        var value = Read<New>(Write(new Old { A = 7, B = "x" }));
        Assert.Equal((7, "x", "kept"), (value.A, value.B, value.C));
        Assert.Empty(value.Added);
    }

    [Fact]
    public void A_name_that_is_not_listed_is_refused()
    {
        var writer = new WireWriter();
        var start = writer.BeginBlock();
        writer.String("System.Diagnostics.Process");
        writer.EndBlock(start);
        var exception = Assert.Throws<CodecNotFoundException>(() => Read<Animal>(writer.Written.ToArray()));
        Assert.Contains("System.Diagnostics.Process", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_claimed_length_allocates_nothing_before_it_is_checked()
    {
        var writer = new WireWriter();
        var start = writer.BeginBlock();
        writer.Varint(uint.MaxValue);
        writer.EndBlock(start);
        var bytes = writer.Written.ToArray();
        Assert.Throws<SerializerException>(() => Read<long[]>(bytes));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<SerializerException>(() => Read<Guid[]>(bytes));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void Every_cut_of_a_message_is_refused_and_never_crashes()
    {
        var bytes = Write(new Mutable { Items = { 1, 2, 3 }, Child = new Mutable { Items = { 4 } } });
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<SerializerException>(() => Read<Mutable>(bytes[..length]));
        }
    }

    [Fact]
    public void Random_bytes_never_do_worse_than_an_exception()
    {
        var seed = Environment.TickCount;
        Console.WriteLine($"seed {seed}");
        var random = new System.Random(seed);
        var good = Write(new Mutable { Items = { 1, 2, 3 }, Child = new Mutable { Items = { 4 } } });
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = good.ToArray();
            for (var flips = random.Next(1, 6); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                Read<Mutable>(bytes);
            }
            catch (SerializerException)
            {
                // What a hostile message may cost: this and nothing else.
            }
            catch (OverflowException)
            {
                // A number that does not fit its member; the gateway treats it the same.
            }
        }
    }

    [Fact]
    public void Numbers_and_texts_survive()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), a => Round(a) == a).QuickCheckThrowOnFailure();
        Prop.ForAll(ArbMap.Default.ArbFor<long>(), a => Round(a) == a).QuickCheckThrowOnFailure();
        Prop.ForAll(ArbMap.Default.ArbFor<double>(), a => Round(a).Equals(a)).QuickCheckThrowOnFailure();
        Prop.ForAll(ArbMap.Default.ArbFor<TimeSpan>(), a => Round(a) == a).QuickCheckThrowOnFailure();
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), a => Round(ValidText(a.Get)) == ValidText(a.Get))
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Identities_survive_their_text_form()
    {
        var id = GrainId.Create("type", "key/with/slash");
        Assert.Equal(id, GrainId.Parse(id.ToString()));
        var silo = SiloAddress.New(System.Net.IPAddress.IPv6Loopback, 12, 34);
        Assert.Equal(silo, SiloAddress.FromParsableString(silo.ToParsableString()));
    }

    [Fact]
    public void The_uniform_hash_is_the_same_in_every_process()
    {
        Assert.Equal(2592821199u, GrainId.Create("block", "0001").GetUniformHashCode());
    }

    private static string ValidText(string text) =>
        System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text));

    private static T Round<T>(T value) => Read<T>(Write(value));

    private static byte[] Write<T>(T value)
    {
        var writer = new WireWriter();
        Codecs.Get<T>().Write(writer, value);
        return writer.Written.ToArray();
    }

    private static T Read<T>(byte[] bytes)
    {
        var reader = new WireReader();
        reader.Reset(bytes, 0, bytes.Length);
        return Codecs.Get<T>().Read(reader);
    }
}
