using Microsoft.Data.Sqlite;
using Orleans;
using Orleans.Runtime;
using Orleans.Storage;
using OrleansCache.Silo.GrainStorage;

namespace OrleansCache.Silo.Tests;

public sealed class SqliteGrainStorageTests : IDisposable
{
    private static readonly GrainId Grain = GrainId.Create("namespace", "namespace");
    private readonly string _directory = Directory.CreateTempSubdirectory("ocache-state-").FullName;

    private string File => Path.Combine(_directory, "grains.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task State_survives_reopening()
    {
        using (var storage = Open())
        {
            var state = new GrainState<Sample>(new Sample());
            await storage.ReadStateAsync("s", Grain, state);
            Assert.False(state.RecordExists);
            state.State = new Sample { Number = 7, Words = ["ü", "\0", "\""] };
            await storage.WriteStateAsync("s", Grain, state);
            Assert.True(state.RecordExists);
        }

        using var again = Open();
        var read = new GrainState<Sample>(new Sample());
        await again.ReadStateAsync("s", Grain, read);
        Assert.True(read.RecordExists);
        Assert.Equal((7, 3, "ü"), (read.State.Number, read.State.Words.Count, read.State.Words[0]));
        read.State.Number++;
        await again.WriteStateAsync("s", Grain, read);
        await again.ReadStateAsync("other name", Grain, read);
        Assert.False(read.RecordExists);
    }

    [Fact]
    public async Task A_write_with_an_old_version_is_refused()
    {
        using var storage = Open();
        var one = await WrittenAsync(storage, 1);
        var two = new GrainState<Sample>(new Sample());
        await storage.ReadStateAsync("s", Grain, two);
        two.State.Number = 2;
        await storage.WriteStateAsync("s", Grain, two);

        var refused = await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("s", Grain, one));
        Assert.Equal((two.ETag, one.ETag), (refused.StoredEtag, refused.CurrentEtag));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.ClearStateAsync("s", Grain, one));
        await Assert.ThrowsAsync<InconsistentStateException>(
            () => storage.WriteStateAsync("s", Grain, new GrainState<Sample>(new Sample())));
        await storage.ReadStateAsync("s", Grain, one);
        Assert.Equal(2, one.State.Number);
    }

    [Fact]
    public async Task A_cleared_record_is_gone_and_its_version_is_never_used_again()
    {
        using var storage = Open();
        var first = await WrittenAsync(storage, 1);
        var old = first.ETag;
        await storage.ClearStateAsync("s", Grain, first);
        Assert.False(first.RecordExists);
        Assert.Equal(0, first.State.Number);
        var second = await WrittenAsync(storage, 2);
        Assert.NotEqual(old, second.ETag);
        await Assert.ThrowsAsync<InconsistentStateException>(
            () => storage.WriteStateAsync("s", Grain, new GrainState<Sample>(new Sample(), old)));
    }

    [Fact]
    public async Task Writes_that_come_together_share_commits_and_each_is_there()
    {
        using var storage = Open();
        var writes = Enumerable.Range(0, 2000).Select(async i =>
        {
            var state = new GrainState<Sample>(new Sample { Number = i });
            await storage.WriteStateAsync("s", GrainId.Create("g", $"{i}"), state);
        });
        await Task.WhenAll(writes).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.InRange(storage.Commits, 1, 1500);
        var read = new GrainState<Sample>(new Sample());
        await storage.ReadStateAsync("s", GrainId.Create("g", "1999"), read);
        Assert.Equal(1999, read.State.Number);
    }

    [Fact]
    public async Task One_of_many_writers_of_a_record_wins_each_version()
    {
        using var storage = Open();
        await WrittenAsync(storage, 0);
        var won = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (var i = 0; i < 20; i++)
            {
                var state = new GrainState<Sample>(new Sample());
                await storage.ReadStateAsync("s", Grain, state);
                state.State.Number++;
                try
                {
                    await storage.WriteStateAsync("s", Grain, state);
                    Interlocked.Increment(ref won);
                }
                catch (InconsistentStateException)
                {
                    continue; // another one was first
                }
            }
        }));
        var last = new GrainState<Sample>(new Sample());
        await storage.ReadStateAsync("s", Grain, last);
        Assert.Equal(won, last.State.Number);
    }

    [Fact]
    public void The_file_is_for_its_owner_only_even_if_it_was_not()
    {
        System.IO.File.WriteAllBytes(File, []);
        if (OperatingSystem.IsLinux())
        {
            System.IO.File.SetUnixFileMode(File, (UnixFileMode)0b110_100_100);
            using var storage = Open();
            foreach (var file in Directory.GetFiles(_directory))
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(file));
            }
        }
    }

    [Fact]
    public void A_file_in_use_is_explained()
    {
        using var storage = Open();
        Assert.Contains("another process", Assert.Throws<GrainStorageException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_explained()
    {
        System.IO.File.WriteAllText(File, string.Join(' ', Enumerable.Repeat("this is no database", 500)));
        var refused = Assert.Throws<GrainStorageException>(Open);
        Assert.Contains("damaged", refused.Message, StringComparison.Ordinal);
        Assert.Contains(File, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_made_is_explained()
    {
        var nowhere = Path.Combine(_directory, "none", "grains.db");
        var refused = Assert.Throws<GrainStorageException>(() => SqliteGrainStorage.Open(nowhere, TimeProvider.System));
        Assert.Contains(nowhere, refused.Message, StringComparison.Ordinal);
        Assert.Throws<GrainStorageException>(() => SqliteGrainStorage.Open(_directory, TimeProvider.System));
    }

    [Theory]
    [InlineData("PRAGMA user_version = 99", "schema 99")]
    [InlineData("UPDATE grain_state SET format = 99", "form 99")]
    [InlineData("UPDATE grain_state SET body = '{{'", "not readable")]
    public async Task What_a_later_silo_wrote_or_somebody_broke_is_explained(string sql, string said)
    {
        using (var storage = Open())
        {
            await WrittenAsync(storage, 1);
        }

        using (var connection = new SqliteConnection($"Data Source={File};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }

        var refused = await Assert.ThrowsAsync<GrainStorageException>(async () =>
        {
            using var storage = Open();
            await storage.ReadStateAsync("s", Grain, new GrainState<Sample>(new Sample()));
        });
        Assert.Contains(said, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_large_a_state_is_refused_before_it_is_stored()
    {
        using var storage = Open();
        var state = new GrainState<Sample>(new Sample { Words = [new string('x', SqliteGrainStorage.MaxBodyBytes)] });
        await Assert.ThrowsAsync<GrainStorageException>(() => storage.WriteStateAsync("s", Grain, state));
        Assert.False(state.RecordExists);
    }

    private SqliteGrainStorage Open() => SqliteGrainStorage.Open(File, TimeProvider.System);

    private static async Task<GrainState<Sample>> WrittenAsync(SqliteGrainStorage storage, int number)
    {
        var state = new GrainState<Sample>(new Sample { Number = number });
        await storage.WriteStateAsync("s", Grain, state);
        return state;
    }

    private sealed class Sample
    {
        public int Number { get; set; }

        public List<string> Words { get; set; } = [];
    }
}
