using Microsoft.Extensions.DependencyInjection;
using Orleans;

namespace OrleansCache.Orleans.Lite.Tests;

/// <summary>Call filters at both sides.</summary>
public sealed class FilterTests
{
    [Fact]
    public async Task Filters_see_every_call_at_both_sides_and_can_change_it()
    {
        var (incoming, outgoing) = (new Recorder(), new Recorder());
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port, builder =>
            builder.Services.AddSingleton<IIncomingGrainCallFilter>(incoming));
        using var client = await TestHost.ClientAsync(port, builder =>
            builder.Services.AddSingleton<IOutgoingGrainCallFilter>(outgoing));
        var grain = client.Grains().GetGrain<IEchoGrain>("filtered");
        Assert.Equal("changed!", await grain.Echo("change me"));
        Assert.Equal("plain", await grain.Echo("plain"));
        await Assert.ThrowsAsync<KnownException>(() => grain.Throw("known"));
        Assert.Equal(3, await grain.Add(1, 2));
        string[] seen =
        [
            "IEcho.Echo echo/filtered", "IEcho.Echo echo/filtered", "IEcho.Throw echo/filtered failed",
            "IEcho.Add echo/filtered",
        ];
        Assert.Equal(seen, incoming.Seen);
        Assert.Equal(seen, outgoing.Seen);
        await client.StopAndDisposeAsync();
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task A_filter_can_refuse_large_messages()
    {
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port);
        using var client =
            await TestHost.ClientAsync(port, builder =>
                builder.Services.AddSingleton<IOutgoingGrainCallFilter, SizeFilter>());
        var grain = client.Grains().GetGrain<IEchoGrain>("sized");
        Assert.Equal(1000, await grain.SizeOf(new byte[1000]));
        await Assert.ThrowsAsync<InvalidOperationException>(() => grain.SizeOf(new byte[70_000]));
        await client.StopAndDisposeAsync();
        await silo.StopAndDisposeAsync();
    }

    private sealed class SizeFilter : IOutgoingGrainCallFilter
    {
        public Task Invoke(IOutgoingGrainCallContext context)
        {
            var size = 0;
            for (var i = 0; i < context.Request.GetArgumentCount(); i++)
            {
                size += context.Request.GetArgument(i) is byte[] bytes ? bytes.Length : 0;
            }

            return size > 65_536 ? throw new InvalidOperationException($"{size} bytes") : context.Invoke();
        }
    }

    private sealed class Recorder : IIncomingGrainCallFilter, IOutgoingGrainCallFilter
    {
        public List<string> Seen { get; } = [];

        public Task Invoke(IIncomingGrainCallContext context)
        {
            Assert.Equal(context.MethodName, context.ImplementationMethod.Name.Split('.')[^1]);
            return Record(context);
        }

        public Task Invoke(IOutgoingGrainCallContext context) => Record(context);

        private async Task Record(IGrainCallContext context)
        {
            var what = $"{context.InterfaceName}.{context.MethodName} {context.TargetId}";
            try
            {
                if (context.Request.GetArgument(0) is "change me")
                {
                    context.Request.SetArgument(0, "changed");
                }

                await context.Invoke();
                if (context.Result is "changed")
                {
                    context.Result = "changed!";
                }

                Seen.Add(what);
            }
            catch
            {
                Seen.Add(what + " failed");
                throw;
            }
        }
    }
}
