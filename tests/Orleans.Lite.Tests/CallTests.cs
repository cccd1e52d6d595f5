using System.Net;
using Orleans;
using Orleans.Runtime;
using Orleans.Serialization;

namespace OrleansCache.Orleans.Lite.Tests;

/// <summary>What a call carries, from a TCP client and from inside the silo.</summary>
public sealed class CallTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private static int _keys;

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task All_four_kinds_of_task_come_back(string side)
    {
        var grain = New(side);
        Assert.Equal("hello", await grain.Echo("hello"));
        Assert.Equal(5, await grain.Add(2, 3));
        await grain.Nothing();
        await grain.NothingYet();
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task Every_kind_of_member_survives(string side)
    {
        var sent = new Everything(77)
        {
            Text = "wörld",
            Bytes = [1, 2, 3],
            Guid = Guid.NewGuid(),
            Big = UInt128.MaxValue - 5,
            Span = TimeSpan.FromTicks(-12345),
            Maybe = 5,
            Color = Color.Blue,
            Points = new() { ["a"] = new(1, -2) },
            Array = [new(3, 4)],
            Grain = GrainId.Create("x", "a/b"),
            Silo = SiloAddress.New(IPAddress.Loopback, 11111, 9),
            Pet = new Dog("Rex", 4),
            Anything = "text",
            Ratio = double.Epsilon,
            Words = ["a", null, ""],
            Negative = long.MinValue,
        };
        var got = await New(side).Mirror(sent);
        Assert.NotSame(sent, got);
        Assert.Equal(sent.Text, got.Text);
        Assert.Equal(sent.Bytes, got.Bytes);
        Assert.Equal((sent.Guid, sent.Big), (got.Guid, got.Big));
        Assert.Equal((sent.Span, sent.Maybe, sent.Color), (got.Span, got.Maybe, got.Color));
        Assert.Equal(sent.Points, got.Points);
        Assert.Equal(sent.Array.AsEnumerable(), got.Array.AsEnumerable());
        Assert.Equal((sent.Grain, sent.Silo), (got.Grain, got.Silo));
        Assert.Equal((sent.Pet, sent.Anything, sent.Ratio), (got.Pet, got.Anything, got.Ratio));
        Assert.Equal((sent.Negative, sent.Hidden), (got.Negative, got.Hidden));
        Assert.Equal(sent.Words, got.Words);
        Assert.True(got.Missing.IsDefault);
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task Nulls_and_defaults_survive(string side)
    {
        var got = await New(side).Mirror(new Everything());
        Assert.Null(got.Text);
        Assert.Null(got.Bytes);
        Assert.Null(got.Maybe);
        Assert.Null(got.Pet);
        Assert.True(got.Array.IsDefault);
        Assert.Equal(default, got.Color);
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task Arguments_and_results_are_deep_copies(string side)
    {
        var grain = New(side);
        var sent = new Mutable { Items = { 1 }, Child = new Mutable { Items = { 2 } } };
        var got = await grain.Keep(sent);
        sent.Items.Add(9);
        got.Items.Add(9);
        got.Child!.Items.Add(9);
        Assert.True(await grain.KeptIs(1));
        var kept = await grain.GetKept();
        await grain.ChangeKept(5);
        Assert.Single(kept.Items);
        Assert.Single(kept.Child!.Items);
    }

    [Fact]
    public async Task Immutable_values_are_not_copied_inside_a_silo()
    {
        var grain = New("silo");
        var value = new Frozen { Items = { 1 } };
        await grain.KeepFrozen(value);
        Assert.Same(value, EchoGrain.FrozenOf(grain.GetPrimaryKeyString()));
        Assert.True(await grain.SameInstance(value));
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task An_exception_with_a_serializer_arrives_typed_with_its_data(string side)
    {
        var exception = await Assert.ThrowsAsync<KnownException>(() => New(side).Throw("known"));
        Assert.Equal(("it broke", 42), (exception.Message, exception.Code));
        Assert.Contains(nameof(EchoGrain), exception.StackTrace, StringComparison.Ordinal);
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task Common_exceptions_and_causes_arrive_typed(string side)
    {
        Assert.Equal(
            "too slow", (await Assert.ThrowsAsync<TimeoutException>(() => New(side).Throw("timeout"))).Message);
        Assert.Contains("no path", (await Assert.ThrowsAsync<ArgumentNullException>(
            () => New(side).Throw("argument"))).Message, StringComparison.Ordinal);
        var outer = await Assert.ThrowsAsync<InvalidOperationException>(() => New(side).Throw("inner"));
        Assert.Equal(7, Assert.IsType<KnownException>(outer.InnerException).Code);
        await Assert.ThrowsAsync<OperationCanceledException>(() => New(side).Throw("cancelled"));
    }

    [Fact]
    public async Task An_unknown_exception_arrives_as_the_fallback_with_its_name_and_text()
    {
        var exception =
            await Assert.ThrowsAsync<UnavailableExceptionFallbackException>(() => New("tcp").Throw("unknown"));
        Assert.Equal(typeof(UnknownException).FullName, exception.ExceptionType);
        Assert.Contains("who am I", exception.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task References_can_be_passed_and_returned(string side)
    {
        var other = New(side);
        var grain = New(side);
        Assert.Equal("via", await grain.CallOther(other, "via"));
        var self = await grain.Self();
        Assert.Equal(grain, self);
        Assert.Equal("me", await self.Echo("me"));
        Assert.Equal(grain.GetGrainId(), await grain.Id());
    }

    [Fact]
    public async Task The_grain_type_is_the_class_name_or_the_attribute()
    {
        Assert.StartsWith("echo/", await New("tcp").Who(), StringComparison.Ordinal);
        var kept = cluster.From("tcp").GetGrain<IKeptGrain>("k");
        Assert.StartsWith("kept-by-name/k", await kept.Activation(), StringComparison.Ordinal);
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task Internal_interfaces_and_types_work(string side)
    {
        var grain = cluster.From(side).GetGrain<IInternalGrain>("i");
        Assert.Equal(2, (await grain.Get(new InternalThing(1))).Value);
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task The_request_context_flows_to_the_callee_and_not_back(string side)
    {
        RequestContext.Set("user", "ann");
        Assert.Equal("ann", await New(side).ReadContext("user"));
        RequestContext.Clear();
        Assert.Null(await New(side).ReadContext("user"));
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task A_one_way_call_returns_at_once_and_arrives(string side)
    {
        var grain = New(side);
        await grain.Notify("seen");
        var deadline = DateTime.UtcNow + TestHost.Patience;
        while (await grain.Notified() != "seen")
        {
            Assert.True(DateTime.UtcNow < deadline, "the one-way call never arrived");
        }
    }

    [Fact]
    public async Task A_result_that_cannot_be_sent_fails_the_call_and_not_the_connection()
    {
        var exception = await Assert.ThrowsAsync<SerializerException>(() => New("tcp").Unsendable());
        Assert.Contains("its result cannot be sent", exception.Message, StringComparison.Ordinal);
        Assert.Equal("still", await New("tcp").Echo("still"));
    }

    [Fact]
    public async Task Large_messages_pass_in_both_directions()
    {
        var grain = New("tcp");
        Assert.Equal(5_000_000, await grain.SizeOf(new byte[5_000_000]));
        Assert.Equal(3_000_000, (await grain.Big(3_000_000)).Length);
    }

    [Fact]
    public async Task Many_calls_in_flight_all_return_their_own_answer()
    {
        var calls = Enumerable.Range(0, 2000).Select(async i =>
            Assert.Equal(i + 1, await cluster.From("tcp").GetGrain<IEchoGrain>("many" + (i % 7)).Add(i, 1)));
        await Task.WhenAll(calls).WaitAsync(TestHost.Patience);
    }

    [Fact]
    public void A_cycle_is_refused_with_words()
    {
        var value = new Mutable();
        value.Child = value;
        var call = New("tcp").Keep(value);
        var exception = Assert.IsType<SerializerException>(call.Exception!.InnerException);
        Assert.Contains("cycle", exception.Message, StringComparison.Ordinal);
    }

    private IEchoGrain New(string side) =>
        cluster.From(side).GetGrain<IEchoGrain>($"{side}-{Interlocked.Increment(ref _keys)}");
}
