using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using OrleansCache.Files;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>Answers that no store should give, as proxies and half-made gateways do.</summary>
public sealed class S3StrangeAnswerTests : IAsyncLifetime
{
    private const string Listing = "200 OK\r\nContent-Type: application/xml";
    private readonly TcpListener _server = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentQueue<string> _asked = new();
    private Func<string, (string Head, string? Body)> _answer =
        _ => (Listing, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");

    private Task _serving = Task.CompletedTask;
    private IUnderStorage _storage = null!;

    private string Endpoint => $"http://127.0.0.1:{((IPEndPoint)_server.LocalEndpoint).Port}";

    public async Task InitializeAsync()
    {
        _server.Start();
        _serving = ServeAsync();
        var factory = S3Source.FactoryOf("key", "secret", new LogBook());
        var options = S3Source.Options(("endpoint", Endpoint));
        _storage = await factory.OpenAsync(factory.Identify("s3://data", options), options, S3Source.Soon);
        _asked.Clear();
    }

    public async Task DisposeAsync()
    {
        await _storage.DisposeAsync();
        await _ending.CancelAsync();
        await _serving;
        _server.Dispose();
        _ending.Dispose();
    }

    [Fact]
    public async Task A_head_that_tells_no_length_is_no_empty_file()
    {
        _answer = request => request.StartsWith("HEAD", StringComparison.Ordinal)
            ? ("200 OK\r\nETag: W/\"etag\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT", null)
            : (Listing, "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>f</Key><Size>5000</Size>"
                + "<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"etag\"</ETag></Contents></ListBucketResult>");
        var found = await _storage.StatAsync("f", S3Source.Soon);
        Assert.Equal((ReadStatus.Ok, FileKind.File, 5000), (found.Status, found.Metadata.Kind, found.Metadata.Version.LengthBytes));
        Assert.Equal("etag", found.Metadata.Version.ETag);
    }

    [Fact]
    public async Task A_weak_etag_is_the_same_in_a_listing_and_alone()
    {
        _answer = request => request.StartsWith("HEAD", StringComparison.Ordinal)
            ? ("200 OK\r\nETag: W/\"etag\"\r\nContent-Length: 5000\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT", null)
            : (Listing, "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>f</Key><Size>5000</Size>"
                + "<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>W/\"etag\"</ETag></Contents></ListBucketResult>");
        var alone = await _storage.StatAsync("f", S3Source.Soon);
        await using var listing = _storage.List("", null);
        var listed = await listing.NextAsync(S3Source.Soon);
        Assert.Equal(alone.Metadata, Assert.Single(listed.Entries).Metadata);
    }

    [Theory]
    [InlineData("<html><body>Log in to the network</body></html>")]
    [InlineData("<ListBucketResult></ListBucketResult>")]
    [InlineData("")]
    public async Task What_is_no_listing_is_no_empty_directory(string body)
    {
        _answer = _ => (Listing, body);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await using var listing = _storage.List("", null);
        Assert.NotEqual(ReadStatus.Ok, (await listing.NextAsync(patience.Token)).Status);
        var stat = await _storage.StatAsync("directory%prefix", patience.Token);
        Assert.NotEqual(ReadStatus.NotFound, stat.Status);
    }

    [Theory]
    [InlineData("200 OK\r\nETag: \"etag\"\r\nContent-Length: 5000\r\nLast-Modified: yesterday")]
    [InlineData("200 OK\r\nETag: \"etag\"\r\nContent-Length: 5000\r\nx-amz-expiration: ?\r\nx-amz-missing-meta: many\r\nx-amz-mp-parts-count: all")]
    [InlineData("204 No Content\r\nETag: \"etag\"")]
    [InlineData("304 Not Modified\r\nETag: \"etag\"")]
    [InlineData("300 Multiple Choices\r\nLocation: /")]
    [InlineData("999 Request denied")]
    public async Task Nonsense_about_an_object_is_no_file_and_no_crash(string answer)
    {
        _answer = request => request.StartsWith("HEAD", StringComparison.Ordinal) ? (answer, null) : ("400 Bad Request", "");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        var found = await _storage.StatAsync("f", patience.Token);
        Assert.True(found.Status != ReadStatus.Ok || found.Metadata.Version is { LengthBytes: 5000, ETag: "etag" }, $"{found}");
    }

    [Theory]
    [InlineData("<Key>f</Key><Size>many</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"etag\"</ETag>")]
    [InlineData("<Key>f</Key><Size>-1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"etag\"</ETag>")]
    [InlineData("<Key>f</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"etag\"</ETag>")]
    [InlineData("<Key>f</Key><Size>1</Size><LastModified>yesterday</LastModified><ETag>\"etag\"</ETag>")]
    [InlineData("<Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"etag\"</ETag>")]
    public async Task Nonsense_in_a_listing_is_an_error_and_no_crash(string contents)
    {
        _answer = _ => (Listing, $"<ListBucketResult><IsTruncated>false</IsTruncated><Contents>{contents}</Contents></ListBucketResult>");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await using var listing = _storage.List("", null);
        var batch = await listing.NextAsync(patience.Token);
        Assert.True(batch.Status != ReadStatus.Ok, $"{batch.Status}: {string.Join(", ", batch.Entries ?? [])}");
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        _answer = _ => _asked.Count < 50 ? ($"307 Temporary Redirect\r\nLocation: {Endpoint}/elsewhere/f", "") : ("403 Forbidden", "");
        var seen = S3Metadata.OfObject(_storage.Source, default, "f", 5000, DateTime.UnixEpoch, "\"etag\"");
        var status = await _storage.ReadAsync("f", seen.Id, seen.Version, 0, new byte[1000], S3Source.Soon);
        Assert.Single(_asked);
        Assert.Equal(ReadStatus.Unavailable, status);
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var socket = await _server.AcceptSocketAsync(_ending.Token);
                await ServeAsync(socket);
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await AnswerAsync(socket);
        }
        catch (SocketException)
        {
            // The client has gone: it asks again if it still wants to know.
        }
    }

    private async Task AnswerAsync(Socket socket)
    {
        var head = new StringBuilder();
        var buffer = new byte[4096];
        while (!head.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            var got = await socket.ReceiveAsync(buffer, S3Source.Soon);
            if (got == 0)
            {
                return;
            }

            head.Append(Encoding.ASCII.GetString(buffer, 0, got));
        }

        _asked.Enqueue(head.ToString());
        var (status, body) = _answer(head.ToString());
        var length = body is null ? "" : $"Content-Length: {body.Length}\r\n";
        await socket.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\n{length}Connection: close\r\n\r\n{body}"), S3Source.Soon);
    }
}
