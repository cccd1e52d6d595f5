using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Storage;

namespace OrleansCache.Orleans.Lite.Tests;

/// <summary>Activations and silos: how they begin and end.</summary>
public sealed class LifecycleTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    [Fact]
    public async Task An_idle_activation_is_collected_after_its_age_and_told_why()
    {
        var grain = Life("idle");
        var first = await grain.Activation();
        await TestHost.Until(() => LifeGrain.Ended.ContainsKey("idle"), "collection of an idle grain");
        Assert.Equal(DeactivationReasonCode.ActivationIdle, LifeGrain.Ended["idle"]);
        Assert.NotEqual(first, await grain.Activation());
    }

    [Fact]
    public async Task Delay_deactivation_keeps_an_idle_activation()
    {
        var other = Life("not-delayed");
        var grain = Life("delayed");
        await grain.Delay(3600);
        await other.Activation();
        await TestHost.Until(() => LifeGrain.Ended.ContainsKey("not-delayed"), "collection of the other grain");
        Assert.False(LifeGrain.Ended.ContainsKey("delayed"));
    }

    [Fact]
    public async Task Keep_alive_is_never_collected()
    {
        var grain = cluster.From("tcp").GetGrain<IKeptGrain>(IKeptGrain.Key);
        var first = await grain.Activation();
        await Life("beside-keep").Activation();
        await TestHost.Until(() => LifeGrain.Ended.ContainsKey("beside-keep"), "collection of the other grain");
        Assert.Equal(first, await grain.Activation());
    }

    [Fact]
    public async Task Deactivate_on_idle_ends_the_activation_after_the_call()
    {
        var grain = Life("asked");
        var first = await grain.Activation();
        await grain.DeactivateSoon();
        Assert.NotEqual(first, await grain.Activation());
        Assert.Equal(DeactivationReasonCode.ApplicationRequested, LifeGrain.Ended["asked"]);
    }

    [Fact]
    public async Task A_failing_activation_fails_the_call_and_the_next_call_tries_again()
    {
        var grain = cluster.From("tcp").GetGrain<IFailingGrain>("f");
        var exception = await Assert.ThrowsAsync<KnownException>(grain.Work);
        Assert.Equal("no activation today", exception.Message);
        await grain.Work();
    }

    [Fact]
    public async Task A_failing_constructor_fails_the_call_with_its_own_exception()
    {
        var exception = await Assert.ThrowsAsync<KnownException>(cluster.From("tcp").GetGrain<IBrokenGrain>("b").Work);
        Assert.Equal("no such grain", exception.Message);
    }

    [Fact]
    public async Task State_is_read_before_the_grain_activates()
    {
        var id = GrainId.Create("state", "read");
        Storage.WriteBehind(id, 17);
        Assert.Equal(17, await State("read").AtActivation());
    }

    [Fact]
    public async Task State_survives_the_activation()
    {
        var grain = State("survives");
        Assert.Equal(-1, await grain.Get());
        await grain.Set(5);
        await grain.Set(6);
        var again = cluster.Silo.Services.GetRequiredService<Catalog>();
        Assert.True(again.TryGet(grain.GetGrainId(), out var activation));
        activation.Deactivate(new DeactivationReason(DeactivationReasonCode.RuntimeRequested, "test"));
        await activation.Deactivated.WaitAsync(TestHost.Patience);
        Assert.Equal(6, await grain.AtActivation());
    }

    [Fact]
    public async Task An_etag_conflict_fails_the_call_and_deactivates()
    {
        var grain = State("conflict");
        await grain.Set(1);
        var before = await grain.Activation();
        Storage.WriteBehind(grain.GetGrainId(), 99);
        var exception = await Assert.ThrowsAsync<InconsistentStateException>(() => grain.Set(2));
        Assert.Equal(("2", "1"), (exception.StoredEtag, exception.CurrentEtag));
        Assert.NotEqual(before, await grain.Activation());
        Assert.Equal(99, await grain.Get());
    }

    [Fact]
    public async Task A_graceful_stop_deactivates_every_grain()
    {
        var silo = await TestHost.SiloAsync(0);
        await silo.Grains().GetGrain<ILifeGrain>("stopped-1").Activation();
        await silo.Grains().GetGrain<ILifeGrain>("stopped-2").Activation();
        await silo.StopAndDisposeAsync();
        Assert.Equal(DeactivationReasonCode.ShuttingDown, LifeGrain.Ended["stopped-1"]);
        Assert.Equal(DeactivationReasonCode.ShuttingDown, LifeGrain.Ended["stopped-2"]);
    }

    [Fact]
    public async Task Lifecycle_stages_start_upward_and_stop_downward()
    {
        var log = new List<string>();
        var silo = await TestHost.SiloAsync(0, builder => builder.ConfigureServices(services =>
            services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(new Participant(log))));
        Assert.Equal(["start app", "start active"], log);
        await silo.StopAndDisposeAsync();
        Assert.Equal(["start app", "start active", "stop active", "stop app"], log);
    }

    [Fact]
    public async Task A_failing_stage_stops_what_started_and_fails_the_host()
    {
        var log = new List<string>();
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => TestHost.SiloAsync(0, builder =>
            builder.ConfigureServices(services =>
                services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(new Participant(log, failActive: true)))));
        Assert.Equal("not today", exception.Message);
        Assert.Equal("stop app", log[^1]);
    }

    [Fact]
    public async Task A_restart_on_the_same_port_is_a_new_generation()
    {
        var port = TestHost.FreePort();
        var first = await TestHost.SiloAsync(port);
        var before = first.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;
        await first.StopAndDisposeAsync();
        var second = await TestHost.SiloAsync(port);
        var after = second.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;
        Assert.True(after.IsSuccessorOf(before));
        await second.StopAndDisposeAsync();
    }

    private TestStorage Storage => cluster.Silo.Services.GetRequiredService<TestStorage>();

    private ILifeGrain Life(string key) => cluster.From("tcp").GetGrain<ILifeGrain>(key);

    private IStateGrain State(string key) => cluster.From("tcp").GetGrain<IStateGrain>(key);

    private sealed class Participant(List<string> log, bool failActive = false) : ILifecycleParticipant<ISiloLifecycle>
    {
        public void Participate(ISiloLifecycle lifecycle)
        {
            lifecycle.Subscribe(
                "active", ServiceLifecycleStage.Active, _ => Note("start active", failActive),
                _ => Note("stop active"));
            lifecycle.Subscribe(
                "app", ServiceLifecycleStage.ApplicationServices, _ => Note("start app"), _ => Note("stop app"));
        }

        private Task Note(string what, bool fail = false)
        {
            log.Add(what);
            return fail ? throw new InvalidOperationException("not today") : Task.CompletedTask;
        }
    }
}
