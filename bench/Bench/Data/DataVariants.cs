using OrleansCache.Bench.S3;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.LocalCluster;
using OrleansCache.Metadata;
using OrleansCache.Reading;

namespace OrleansCache.Bench.Data;

/// <summary>The ways to read one cached file. Each measurement makes its own connections; one read in flight on each.</summary>
internal sealed class DataVariants : IAsyncDisposable
{
    private const string FilePath = "/data/file";

    private readonly LocalSilo _silo;
    private readonly Nginx _nginx;
    private readonly CacheClient _client;
    private readonly string _native;
    private readonly long _fileBytes;

    private DataVariants(LocalSilo silo, Nginx nginx, CacheClient client, string native, long fileBytes, TimeSpan duration) =>
        (_silo, _nginx, _client, _native, _fileBytes, Duration) = (silo, nginx, client, native, fileBytes, duration);

    /// <summary>How long each measurement takes.</summary>
    internal TimeSpan Duration { get; }

    /// <summary>Of the client and both servers, of which one is idle.</summary>
    internal double CpuSeconds =>
        ProcessCpu.Seconds(Environment.ProcessId) + ProcessCpu.Seconds(_silo.ProcessId) + _nginx.CpuSeconds;

    /// <summary>Writes the file, and has the silo load it.</summary>
    internal static async Task<DataVariants> StartAsync(
        LocalSilo silo, Nginx nginx, string source, long fileBytes, TimeSpan duration, CancellationToken cancellationToken)
    {
        var native = Path.Combine(source, "file");
        Write(native, fileBytes);
        await silo.AttachAsync(source, "/data", cancellationToken: cancellationToken).ConfigureAwait(false);
        (await Command.OcacheAsync(silo, ["load", "/data", "--wait"], TimeSpan.FromMinutes(5), cancellationToken).ConfigureAwait(false))
            .Checked("ocache load");
        var client = await CacheClient.ConnectAsync(new CacheClientOptions { Cluster = silo.Cluster }, cancellationToken).ConfigureAwait(false);
        return new DataVariants(silo, nginx, client, native, fileBytes, duration);
    }

    internal Task<double> NginxAsync(int requestBytes, int connections)
    {
        var readers = Enumerable.Range(0, connections).Select(_ => new HttpRangeReader(_nginx.Port, "/file")).ToList();
        var rate = ReadLoops.Run([.. readers.Select(reader => (BlockingRead)reader.Read)], requestBytes, _fileBytes, Duration);
        readers.ForEach(reader => reader.Dispose());
        return Task.FromResult(rate);
    }

    internal async Task<double> BlocksAsync(bool overUnix, int requestBytes, int connections, CancellationToken cancellationToken)
    {
        var found = await new PathResolver(_client.Names).ResolveAsync(FilePath, followLast: true, cancellationToken).ConfigureAwait(false);
        var capability = SharedFile.CapabilityOf(found.Node!);
        var endpoint = new DataEndpoint("127.0.0.1", _silo.DataPort, overUnix ? Path.Combine(_silo.DataFolder, "run", "data.sock") : null);
        var options = new BlockConnectionOptions { ClusterId = new CacheClientOptions().ClusterId };
        var open = new List<BlockConnection>();
        try
        {
            for (var i = 0; i < connections; i++)
            {
                var connection = await BlockConnection.ConnectAsync(endpoint, options, TimeProvider.System, cancellationToken).ConfigureAwait(false);
                open.Add(connection);
                Require(await connection.PresentAsync(capability, cancellationToken).ConfigureAwait(false), connection.PassesDescriptors == overUnix);
            }

            return await ReadLoops.RunAsync([.. open.Select(connection => (AsyncRead)ReaderOf(connection))], requestBytes, _fileBytes, Duration)
                .ConfigureAwait(false);
        }
        finally
        {
            foreach (var connection in open)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }

        AsyncRead ReaderOf(BlockConnection connection) => async (offset, buffer) =>
        {
            var outcome = await connection.ReadAsync(capability.Key, offset, buffer, cancellationToken).ConfigureAwait(false);
            Require(outcome.Status, isWhole: true); // Ok means filled wholly.
        };
    }

    internal async Task<double> LeasedAsync(int requestBytes, int readers, CancellationToken cancellationToken)
    {
        await using var file = await _client.OpenReadAsync(FilePath, cancellationToken).ConfigureAwait(false);
        await file.ReadAsync(0, new byte[requestBytes], cancellationToken).ConfigureAwait(false); // Takes the lease.
        AsyncRead read = async (offset, buffer) =>
        {
            if (await file.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false) != buffer.Length)
            {
                throw new InvalidOperationException("a short read");
            }
        };
        return await ReadLoops.RunAsync([.. Enumerable.Repeat(read, readers)], requestBytes, _fileBytes, Duration).ConfigureAwait(false);
    }

    internal Task<double> PreadAsync(int requestBytes, int readers)
    {
        using var file = File.OpenHandle(_native);
        BlockingRead read = (offset, buffer) => RandomAccess.Read(file, buffer, offset);
        return Task.FromResult(ReadLoops.Run([.. Enumerable.Repeat(read, readers)], requestBytes, _fileBytes, Duration));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static void Require(ReadStatus status, bool isWhole)
    {
        if (status != ReadStatus.Ok || !isWhole)
        {
            throw new InvalidOperationException($"the silo answered {status}");
        }
    }

    private static void Write(string path, long lengthBytes)
    {
        var (random, buffer) = (new Random(1), new byte[1 << 20]);
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        for (long offset = 0; offset < lengthBytes; offset += buffer.Length)
        {
            random.NextBytes(buffer);
            RandomAccess.Write(file, buffer, offset);
        }
    }
}
