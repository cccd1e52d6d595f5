using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Client.Tests.Fakes;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Routing;

namespace OrleansCache.Client.Tests.Routing;

/// <summary>When the view of the group is asked for.</summary>
public sealed class BlockRouterTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ocache-router-");
    private readonly FakeGrains _grains = new();
    private readonly ManualTime _time = new();
    private readonly OneConnection _connector;
    private readonly BlockRouter _router;

    public BlockRouterTests()
    {
        _connector = new OneConnection(new FakeConnection(Path.Combine(_folder.FullName, "f"), new byte[10], ReadingRig.BlockSize));
        _router = new BlockRouter(_grains, "default", _connector, "h", _time, NullLogger<BlockRouter>.Instance);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task An_answer_with_a_newer_epoch_refreshes_the_view_and_holds_nobody_up()
    {
        await FindAsync();
        await FindAsync();
        Assert.Equal(1, _grains.ViewCalls);

        // The silo has seen the group's next epoch; the grain takes its time.
        var answer = new TaskCompletionSource();
        _grains.OnCall = () => answer.Task;
        _grains.View = _grains.View with { Epoch = 2, Members = [_grains.View.Members[0] with { SiloName = "two" }] };
        _connector.Connection.RingEpoch = 2;
        await FindAsync();
        await FindAsync();
        Assert.Equal((2, "one"), (_grains.ViewCalls, _router.SiloOf(default)));

        answer.SetResult();
        await Eventually.TrueAsync(() => _router.SiloOf(default) == "two", TimeSpan.FromSeconds(30));
        _time.Advance(TimeSpan.FromMinutes(1));
        await FindAsync();
        Assert.Equal(2, _grains.ViewCalls);
    }

    [Fact]
    public async Task A_newer_epoch_does_not_hold_up_a_synchronous_reader()
    {
        await FindAsync();
        _grains.OnCall = static () => new TaskCompletionSource().Task; // The grain never answers.
        _connector.Connection.RingEpoch = 2;
        var finding = Task.Factory.StartNew(
            () => SynchronousCaller.Run(_router, static router => router.FindAsync(new FileKey(1, 2), default)),
            TaskCreationOptions.LongRunning);
        Assert.Same(_connector.Connection, await finding.WaitAsync(TimeSpan.FromSeconds(15)));

        // The question is still open: who asks now joins it. Had the reader waited, it would have been given up by now.
        var joined = _router.GetViewAsync(default);
        Assert.False(joined.IsCompleted);
        Assert.Equal(2, _grains.ViewCalls);
    }

    [Fact]
    public async Task A_silo_that_names_an_epoch_its_group_never_had_makes_one_question_a_second()
    {
        _connector.Connection.RingEpoch = ulong.MaxValue;
        for (var second = 0; second < 3; second++)
        {
            for (var read = 0; read < 100; read++)
            {
                await FindAsync();
            }

            Assert.Equal(2 + second, _grains.ViewCalls);
            _time.Advance(TimeSpan.FromSeconds(1.1));
        }
    }

    private async Task FindAsync() => Assert.Same(_connector.Connection, await _router.FindAsync(new FileKey(1, 2), default));

    private sealed class OneConnection(FakeConnection connection) : IBlockConnector
    {
        public FakeConnection Connection { get; } = connection;

        public ValueTask<ConnectionOutcome> GetAsync(DataEndpoint endpoint, CancellationToken cancellationToken) =>
            new(new ConnectionOutcome(ReadStatus.Ok, Connection, null));

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
