using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using OrleansCache.Fakes.S3;
using OrleansCache.Files;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>An S3 source on a fake store of its own.</summary>
internal sealed class S3Source : IAsyncDisposable
{
    public const string Bucket = "data";

    private S3Source(FakeS3 store, S3UnderStorageFactory factory, LogBook log) => (Store, Factory, Log) = (store, factory, log);

    public FakeS3 Store { get; }

    public S3UnderStorageFactory Factory { get; }

    public LogBook Log { get; }

    public IUnderStorage Storage { get; private set; } = null!;

    public static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    /// <summary>A store with an empty bucket; the source is not opened.</summary>
    public static async Task<S3Source> PrepareAsync(FakeS3Options? store = null)
    {
        var fake = await FakeS3.StartAsync(store);
        fake.CreateBucket(Bucket);
        var log = new LogBook();
        return new S3Source(fake, FactoryOf(fake.AccessKey, fake.SecretKey, log), log);
    }

    /// <summary>A source on an empty bucket.</summary>
    public static async Task<S3Source> CreateAsync(string prefix = "", params (string Name, string Value)[] options)
    {
        var source = await PrepareAsync();
        source.Storage = await source.OpenAsync(prefix, options);
        source.Store.Log.Reset();
        return source;
    }

    public static S3UnderStorageFactory FactoryOf(string? accessKey, string? secretKey, LogBook log) =>
        new(log, TimeProvider.System)
        {
            Environment = name => name switch
            {
                "AWS_ACCESS_KEY_ID" => accessKey,
                "AWS_SECRET_ACCESS_KEY" => secretKey,
                "AWS_EC2_METADATA_DISABLED" => "true",
                "AWS_SHARED_CREDENTIALS_FILE" => "/nonexistent/credentials",
                _ => null,
            },
        };

    public static SourceOptions Options(params IEnumerable<(string Name, string Value)> options) => new()
    {
        Driver = [.. options.Select(one => new DriverOption(one.Name, one.Value))],
    };

    public ValueTask<IUnderStorage> OpenAsync(string prefix, params IEnumerable<(string Name, string Value)> options)
    {
        var all = Options([("endpoint", Store.Endpoint.GetLeftPart(UriPartial.Authority)), .. options]);
        return Factory.OpenAsync(Factory.Identify($"s3://{Bucket}/{prefix}", all), all, Soon);
    }

    public async Task<FileMetadata> StatAsync(string path)
    {
        var outcome = await Storage.StatAsync(path, Soon);
        Assert.Equal(ReadStatus.Ok, outcome.Status);
        return outcome.Metadata;
    }

    public async Task<(ReadStatus Status, byte[] Bytes)> ReadAsync(
        string path, FileMetadata seen, long offset = 0, int? length = null, CancellationToken? deadline = null)
    {
        var bytes = new byte[length ?? (int)(seen.Version.LengthBytes - offset)];
        var status = await Storage.ReadAsync(path, seen.Id, seen.Version, offset, bytes, deadline ?? Soon);
        return (status, bytes);
    }

    public async ValueTask DisposeAsync()
    {
        if (Storage is not null)
        {
            await Storage.DisposeAsync();
        }

        await Store.DisposeAsync();
    }
}

/// <summary>Keeps what is logged.</summary>
internal sealed class LogBook : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public string Text => string.Join('\n', _lines);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}

/// <summary>Keeps the pieces it gets; stops after so many bytes.</summary>
internal sealed class Pieces(long stopAfter = long.MaxValue) : IPieceSink
{
    private readonly MemoryStream _bytes = new();

    public byte[] Bytes => _bytes.ToArray();

    public int Count { get; private set; }

    public int Longest { get; private set; }

    public bool Accept(ReadOnlySpan<byte> piece)
    {
        Count++;
        Longest = Math.Max(Longest, piece.Length);
        _bytes.Write(piece);
        return _bytes.Length < stopAfter;
    }
}
