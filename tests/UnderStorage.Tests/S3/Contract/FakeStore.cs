using OrleansCache.Fakes.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>The fake in this process.</summary>
public sealed class FakeStore : ContractStore
{
    private FakeS3? _server;

    private protected override (Uri Endpoint, string AccessKey, string SecretKey) Server =>
        (_server!.Endpoint, _server.AccessKey, _server.SecretKey);

    /// <summary>Puts what no client can put.</summary>
    internal void Put(string key, byte[] bytes) => _server!.Put(Bucket, key, bytes);

    internal override Task PutAwkwardAsync(string bucket, string key, byte[] bytes)
    {
        _server!.Put(bucket, key, bytes);
        return Task.CompletedTask;
    }

    internal override Task ForbidReadingAsync(string prefix)
    {
        _server!.Misbehave(new Misbehaviour
        {
            Status = 403,
            When = request => request.Operation is S3Operation.GetObject or S3Operation.HeadObject
                && request.Key.StartsWith(prefix, StringComparison.Ordinal),
        });
        return Task.CompletedTask;
    }

    private protected override async Task StartAsync() => _server = await FakeS3.StartAsync();

    private protected override async Task StopAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
