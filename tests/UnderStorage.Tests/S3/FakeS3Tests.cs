using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using OrleansCache.Fakes.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>The contract on the fake, and what only the fake can do.</summary>
public sealed class FakeS3Tests : S3StoreContract
{
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(30);
    private FakeS3? _store;

    private protected override (Uri Endpoint, string AccessKey, string SecretKey) Store =>
        (Fake.Endpoint, Fake.AccessKey, Fake.SecretKey);

    private FakeS3 Fake => _store!;

    /// <inheritdoc/>
    public override async Task InitializeAsync()
    {
        _store = await FakeS3.StartAsync();
        await base.InitializeAsync();
        Fake.Log.Reset();
    }

    /// <inheritdoc/>
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await Fake.DisposeAsync();
    }

    [Fact]
    public async Task Bodies_streamed_in_chunks_with_trailers_are_decoded_and_checked()
    {
        using var client = Connect(new BasicAWSCredentials(Fake.AccessKey, Fake.SecretKey), checksums: true);
        var bytes = SyntheticBytes.Range(1, 0, 300_000);
        foreach (var algorithm in (ChecksumAlgorithm[])[ChecksumAlgorithm.CRC32, ChecksumAlgorithm.SHA1, ChecksumAlgorithm.SHA256])
        {
            await client.PutObjectAsync(new PutObjectRequest
            {
                BucketName = Bucket,
                Key = algorithm.Value,
                InputStream = new MemoryStream(bytes),
                ChecksumAlgorithm = algorithm,
            });
            Assert.Equal(bytes, (await GetAsync(algorithm.Value)).Bytes);
            var head = await client.GetObjectMetadataAsync(
                new GetObjectMetadataRequest { BucketName = Bucket, Key = algorithm.Value, ChecksumMode = ChecksumMode.ENABLED });
            Assert.NotNull(head.ChecksumCRC32 ?? head.ChecksumSHA1 ?? head.ChecksumSHA256);
        }

        await Client.PutObjectAsync(new PutObjectRequest
        {
            BucketName = Bucket,
            Key = "signed chunks",
            InputStream = new MemoryStream(bytes),
            UseChunkEncoding = true,
        });
        Assert.Equal(bytes, (await GetAsync("signed chunks")).Bytes);
    }

    [Fact]
    public async Task Computed_objects_have_the_bytes_of_their_seed_at_any_offset()
    {
        Fake.PutSynthetic(Bucket, "huge", 4L << 30, seed: 42);
        foreach (var (offset, count) in ((long, int)[])[(0, 10), (3, 100), (4_000_000_001, 200_000)])
        {
            var (_, bytes) = await GetAsync("huge", new ByteRange(offset, offset + count - 1));
            Assert.Equal(SyntheticBytes.Range(42, offset, count), bytes);
        }

        Assert.NotEqual(SyntheticBytes.Range(42, 0, 64), SyntheticBytes.Range(43, 0, 64));
        Assert.Equal(SyntheticBytes.Range(42, 5, 20), SyntheticBytes.Range(42, 0, 25)[5..]);
    }

    [Fact]
    public async Task A_million_generated_objects_list_read_and_change()
    {
        Fake.Bucket(Bucket).Generate(new GeneratedObjects
        {
            Count = 1_000_000,
            KeyOf = index => $"d{index / 1000:D3}/f{index % 1000:D3}",
            LengthOf = index => index,
        });
        var (tops, prefixes) = await ListAsync(delimiter: "/");
        Assert.Empty(tops);
        Assert.Equal(Enumerable.Range(0, 1000).Select(index => $"d{index:D3}/"), prefixes);
        Assert.Equal(5000, await CountAsync(5));

        var seed = SyntheticBytes.SeedOf(1, "d500/f007");
        Assert.Equal(SyntheticBytes.Range(seed, 100, 50), (await GetAsync("d500/f007", new ByteRange(100, 149))).Bytes);
        Assert.True(Fake.Delete(Bucket, "d500/f007"));
        await PutAsync("d500/f006x", [1]);
        var listed = (await ListAsync(prefix: "d500/f00")).Keys;
        Assert.Contains("d500/f006x", listed);
        Assert.DoesNotContain("d500/f007", listed);
        await FailsAsync(404, "NoSuchKey", () => GetAsync("d500/f007"));

        async Task<int> CountAsync(int pages)
        {
            var (count, token) = (0, default(string));
            for (var page = 0; page < pages; page++)
            {
                var answer = await Client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = Bucket, ContinuationToken = token });
                count += answer.S3Objects.Count;
                token = answer.NextContinuationToken;
            }

            return count;
        }
    }

    [Fact]
    public async Task It_counts_what_was_asked()
    {
        await PutAsync("k", new byte[1000]);
        await GetAsync("k", new ByteRange(10, 19));
        await FailsAsync(404, null, () => GetAsync("no"));
        Assert.Equal(3, Fake.Log.Total);
        Assert.Equal(2, Fake.Log.Count(S3Operation.GetObject));
        var put = Fake.Log.Requests[0];
        Assert.Equal((S3Operation.PutObject, Bucket, "k", 200, 1000L), (put.Operation, put.Bucket, put.Key, put.Status, put.BytesReceived));
        var got = Fake.Log.Requests[1];
        Assert.Equal(("bytes=10-19", 206, 10L), (got.Range, got.Status, got.BytesSent));
        Assert.Equal(404, Fake.Log.Requests[2].Status);
        Fake.Log.Reset();
        Assert.Equal(0, Fake.Log.Total);
    }

    [Theory]
    [InlineData(403, "AccessDenied")]
    [InlineData(404, "NoSuchKey")]
    [InlineData(412, "PreconditionFailed")]
    [InlineData(416, "InvalidRange")]
    [InlineData(500, "InternalError")]
    [InlineData(503, "SlowDown")]
    public async Task It_answers_errors_as_often_as_told(int status, string code)
    {
        await PutAsync("k", [1]);
        Fake.Misbehave(new Misbehaviour { When = Misbehaviour.On(S3Operation.GetObject, "k"), Times = 2, Status = status });
        await Client.GetObjectMetadataAsync(Bucket, "k"); // Not meant.
        await FailsAsync(status, code, () => GetAsync("k"));
        await FailsAsync(status, code, () => GetAsync("k"));
        Assert.Equal([1], (await GetAsync("k")).Bytes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(200_000)]
    public async Task It_cuts_a_body_short(int kept)
    {
        Fake.PutSynthetic(Bucket, "k", 1_000_000, seed: 1);
        Fake.Misbehave(new Misbehaviour { TruncateAfter = kept, Times = 1 });
        using var answer = await Client.GetObjectAsync(Bucket, "k");
        Assert.Equal(1_000_000, answer.ContentLength);
        using var got = new MemoryStream();
        await Assert.ThrowsAnyAsync<Exception>(() => answer.ResponseStream.CopyToAsync(got).WaitAsync(HangLimit));
        Assert.Equal(SyntheticBytes.Range(1, 0, kept), got.ToArray());
        Assert.Equal(1_000_000, (await GetAsync("k")).Bytes.Length);
    }

    [Fact]
    public async Task It_hangs_until_told_otherwise_and_closes_without_an_answer()
    {
        using (Fake.Misbehave(new Misbehaviour { Hang = true }))
        {
            var hanging = GetAsync("k");
            await EventuallyAsync(() => Fake.Log.InFlight == 1);
            Assert.False(hanging.IsCompleted);
            Fake.Behave();
            await Assert.ThrowsAnyAsync<Exception>(() => hanging.WaitAsync(HangLimit));
        }

        Fake.Misbehave(new Misbehaviour { Close = true, Times = 1 });
        await Assert.ThrowsAnyAsync<Exception>(() => GetAsync("k").WaitAsync(HangLimit));
        await FailsAsync(404, "NoSuchKey", () => GetAsync("k"));
    }

    [Fact]
    public async Task It_can_be_late_and_slow()
    {
        await PutAsync("k", new byte[20_000]);
        var clock = Stopwatch.StartNew();
        using (Fake.Misbehave(new Misbehaviour { Delay = TimeSpan.FromMilliseconds(300) }))
        {
            await GetAsync("k");
        }

        Assert.True(clock.ElapsedMilliseconds >= 290, $"{clock.Elapsed}");
        clock.Restart();
        using (Fake.Misbehave(new Misbehaviour { BytesPerSecond = 40_000 }))
        {
            await GetAsync("k");
        }

        Assert.True(clock.ElapsedMilliseconds >= 350, $"{clock.Elapsed}");
    }

    [Fact]
    public async Task It_ignores_conditions_serves_old_versions_and_lies_about_ranges()
    {
        var first = await PutAsync("k", [1, 1, 1, 1]);
        var second = await PutAsync("k", [2, 2, 2, 2]);
        using (Fake.Misbehave(new Misbehaviour { IgnoreConditions = true }))
        {
            var (answer, bytes) = await GetAsync("k", ifMatch: first.ETag);
            Assert.Equal((second.ETag, 2), (answer.ETag, bytes[0]));
        }

        using (Fake.Misbehave(new Misbehaviour { ServePrevious = true }))
        {
            var (answer, bytes) = await GetAsync("k");
            Assert.Equal((first.ETag, 1), (answer.ETag, bytes[0]));
        }

        using (Fake.Misbehave(new Misbehaviour { WrongContentRange = true }))
        {
            Assert.Equal("bytes 2-3/4", (await GetAsync("k", new ByteRange(1, 2))).Answer.ContentRange);
        }

        using (Fake.Misbehave(new Misbehaviour { When = Misbehaviour.On(S3Operation.ListObjects), Garbage = "<a><b" }))
        {
            await Assert.ThrowsAnyAsync<Exception>(() => ListAsync());
        }

        Assert.Equal(["k"], (await ListAsync()).Keys);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_object_changes_in_the_middle_of_a_read(bool mix)
    {
        const int Length = 1 << 20;
        Fake.PutSynthetic(Bucket, "k", Length, seed: 1);
        Fake.Misbehave(new Misbehaviour
        {
            Times = 1,
            MidReadAfter = Length / 2,
            MidRead = () => Fake.PutSynthetic(Bucket, "k", Length, seed: 2),
            MixVersions = mix,
        });
        var (answer, bytes) = await GetAsync("k");
        Assert.Equal($"\"{FakeObject.SyntheticETag(1, Length)}\"", answer.ETag);
        Assert.Equal(SyntheticBytes.Range(1, 0, Length / 2), bytes[..(Length / 2)]);
        Assert.Equal(SyntheticBytes.Range(mix ? 2ul : 1, Length / 2, Length / 2), bytes[(Length / 2)..]);
        Assert.Equal(SyntheticBytes.Range(2, 0, Length), (await GetAsync("k")).Bytes);
    }

    [Fact]
    public async Task It_goes_away_and_comes_back_on_the_same_port()
    {
        await PutAsync("k", [1]);
        var endpoint = Fake.Endpoint;
        await Fake.StopListeningAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => GetAsync("k").WaitAsync(HangLimit));
        await Fake.StartListeningAsync();
        Assert.Equal(endpoint, Fake.Endpoint);
        Assert.Equal([1], (await GetAsync("k")).Bytes);
    }

    [Fact]
    public async Task An_anonymous_bucket_needs_no_signature_and_changed_keys_are_refused()
    {
        Fake.CreateBucket("open", anonymous: true);
        Fake.Put("open", "k", [1]);
        using var http = new HttpClient();
        Assert.Equal([1], await http.GetByteArrayAsync(new Uri(Fake.Endpoint, "open/k")));
        Fake.ChangeKeys("NEW", "secret");
        await FailsAsync(403, "InvalidAccessKeyId", () => ListAsync());
    }

    [Fact]
    public async Task It_speaks_TLS_with_the_certificate_it_is_given()
    {
        using var certificate = FakeCertificate.Create();
        await using var store = await FakeS3.StartAsync(new FakeS3Options { Certificate = certificate });
        store.CreateBucket("open", anonymous: true);
        store.Put("open", "k", [1]);
        using var wary = new HttpClient();
        await Assert.ThrowsAsync<HttpRequestException>(() => wary.GetByteArrayAsync(new Uri(store.Endpoint, "open/k")));
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            CustomTrustStore = { certificate },
        };
        using var trusting = new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy } });
        Assert.Equal([1], await trusting.GetByteArrayAsync(new Uri(store.Endpoint, "open/k")));
    }

    [Fact]
    public async Task A_bucket_may_stand_in_the_name_of_the_host()
    {
        Fake.CreateBucket("open", anonymous: true);
        Fake.Put("open", "a//b", [1]);
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Fake.Endpoint, "a//b")) { Headers = { Host = "open.s3.example" } };
        using var answer = await http.SendAsync(request);
        Assert.Equal([1], await answer.Content.ReadAsByteArrayAsync());
    }

    private static async Task EventuallyAsync(Func<bool> holds)
    {
        var clock = Stopwatch.StartNew();
        while (!holds())
        {
            Assert.True(clock.Elapsed < HangLimit, "what was waited for did not happen");
            await Task.Delay(TimeSpan.FromMilliseconds(10));
        }
    }
}
