using System.Collections.Immutable;
using System.Globalization;
using Amazon.S3;
using Amazon.S3.Model;
using OrleansCache.Namespaces;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// Finds out what a store can do, without touching anything that is there: all happens at a key of its own that nobody can have,
/// and every write of it carries a condition that cannot hold. A store that knows conditions refuses and nothing was written; from one that
/// does not, what it wrote is deleted again.
/// </summary>
/// <param name="connection">Sends requests.</param>
internal sealed class S3Probe(S3Connection connection)
{
    /// <summary>What the probe's keys begin with, below the source's prefix.</summary>
    public const string KeyPrefix = ".ocache-probe-";

    /// <summary>An ETag that no content has.</summary>
    private const string NoETag = "\"00000000000000000000000000000000\"";

    /// <summary>Tidying goes on when the caller waits no longer, for so long.</summary>
    private static readonly TimeSpan TidyTimeout = TimeSpan.FromSeconds(10);

    /// <summary>All of it takes a few round trips; attaching does not wait longer for facts that nothing depends on.</summary>
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(15);

    private readonly string _key = connection.Uri.Prefix + KeyPrefix + Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
    private bool _mayExist;

    /// <summary>Does it.</summary>
    public async ValueTask<ImmutableArray<SourceFact>> RunAsync(CancellationToken cancellationToken)
    {
        var options = connection.Options;
        var facts = ImmutableArray.CreateBuilder<SourceFact>();
        facts.Add(new SourceFact("endpoint", options.Endpoint is null ? "AWS" : options.EndpointText));
        facts.Add(new SourceFact("region", RegionText()));
        facts.Add(new SourceFact("addressing", options.UsesPathStyle ? "path" : "virtual host"));
        if (options.Anonymous || !options.Probe)
        {
            facts.Add(new SourceFact("fenced", options.Anonymous ? "unknown: anonymous" : "unknown: probe=false"));
            facts.Add(new SourceFact("checksums", $"{ChecksumText()}; crc32 unknown: not probed"));
            return facts.ToImmutable();
        }

        using var deadline = new CancellationTokenSource(ProbeTimeout, connection.Time);
        using var registration = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), deadline);
        var single = await PutAsync(deadline.Token).ConfigureAwait(false);
        var (multipart, crc) = single.IsKnown
            ? await MultipartAsync(deadline.Token).ConfigureAwait(false)
            : (single, single.Text);
        facts.Add(new SourceFact("fenced", Fenced(single, multipart)));
        facts.Add(new SourceFact("checksums", $"{ChecksumText()}; crc32 {crc}"));
        if (_mayExist && !await DeleteAsync().ConfigureAwait(false))
        {
            facts.Add(new SourceFact("left behind", $"{_key}: it could not be deleted, delete it by hand"));
        }

        return facts.ToImmutable();
    }

    private static string Fenced(Finding single, Finding multipart) => (single.Holds, multipart.Holds) switch
    {
        (null, _) => single.Text,
        (false, _) => "no",
        (true, true) => "yes",
        (true, false) => "single-put-only",
        (true, null) => $"single-put-only (multipart {multipart.Text})",
    };

    /// <summary>A PUT that must fail where conditions are known.</summary>
    private async ValueTask<Finding> PutAsync(CancellationToken cancellationToken)
    {
        var (failure, _) = await connection.CallAsync(
            S3Operation.Probe,
            async cancellation =>
            {
                _mayExist = true; // until the store says that it did not write
                using var body = new MemoryStream([(byte)'x']);
                return await connection.Client.PutObjectAsync(
                    new PutObjectRequest
                    {
                        BucketName = connection.Uri.Bucket,
                        Key = _key,
                        InputStream = body,
                        IfMatch = NoETag,
                        UseChunkEncoding = false,
                    },
                    cancellation).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        _mayExist = failure.Verdict is not (S3Verdict.Changed or S3Verdict.NotFound or S3Verdict.Denied or S3Verdict.BadCredentials);
        return Finding.Of(failure);
    }

    /// <summary>A multipart upload completed on a condition that does not hold, and whether its part may carry a checksum.</summary>
    private async ValueTask<(Finding Condition, string Crc)> MultipartAsync(CancellationToken cancellationToken)
    {
        var (failure, upload) = await connection.CallAsync(S3Operation.Probe, cancellation => connection.Client.InitiateMultipartUploadAsync(
            new InitiateMultipartUploadRequest { BucketName = connection.Uri.Bucket, Key = _key }, cancellation),
            cancellationToken).ConfigureAwait(false);
        if (upload is null)
        {
            return (Finding.Unknown(failure), "unknown");
        }

        try
        {
            var (crc, part) = await PartAsync(upload.UploadId, ChecksumAlgorithm.CRC32, cancellationToken).ConfigureAwait(false);
            var text = part is not null ? "accepted" : crc.Status is 400 or 501 ? $"refused ({crc.Code})" : $"unknown: {crc}";
            if (part is null)
            {
                (failure, part) = await PartAsync(upload.UploadId, null, cancellationToken).ConfigureAwait(false);
            }

            return (part is null
                ? Finding.Unknown(failure)
                : await CompleteAsync(upload.UploadId, part, cancellationToken).ConfigureAwait(false), text);
        }
        finally
        {
            await AbortAsync(upload.UploadId).ConfigureAwait(false);
        }
    }

    private ValueTask<(S3Failure Failure, UploadPartResponse? Answer)> PartAsync(
        string upload, ChecksumAlgorithm? checksum, CancellationToken cancellationToken) => connection.CallAsync(
        S3Operation.Probe,
        async cancellation =>
        {
            using var body = new MemoryStream([(byte)'x']);
            var request = new UploadPartRequest
            {
                BucketName = connection.Uri.Bucket,
                Key = _key,
                UploadId = upload,
                PartNumber = 1,
                InputStream = body,
                PartSize = 1,
            };
            if (checksum is not null)
            {
                request.ChecksumAlgorithm = checksum;
            }

            return await connection.Client.UploadPartAsync(request, cancellation).ConfigureAwait(false);
        },
        cancellationToken);

    private async ValueTask<Finding> CompleteAsync(string upload, UploadPartResponse part, CancellationToken cancellationToken)
    {
        _mayExist = true;
        var (failure, _) = await connection.CallAsync(S3Operation.Probe, cancellation => connection.Client.CompleteMultipartUploadAsync(
            new CompleteMultipartUploadRequest
            {
                BucketName = connection.Uri.Bucket,
                Key = _key,
                UploadId = upload,
                IfMatch = NoETag,
                PartETags = [new PartETag(1, part.ETag)],
            },
            cancellation), cancellationToken).ConfigureAwait(false);
        return Finding.Of(failure);
    }

    private async ValueTask AbortAsync(string upload)
    {
        using var deadline = new CancellationTokenSource(TidyTimeout, connection.Time);
        await connection.CallAsync(S3Operation.Probe, cancellation => connection.Client.AbortMultipartUploadAsync(
            new AbortMultipartUploadRequest { BucketName = connection.Uri.Bucket, Key = _key, UploadId = upload },
            cancellation), deadline.Token).ConfigureAwait(false);
    }

    private async ValueTask<bool> DeleteAsync()
    {
        using var deadline = new CancellationTokenSource(TidyTimeout, connection.Time);
        var (failure, _) = await connection.CallAsync(S3Operation.Probe, cancellation => connection.Client.DeleteObjectAsync(
            new DeleteObjectRequest { BucketName = connection.Uri.Bucket, Key = _key }, cancellation), deadline.Token).ConfigureAwait(false);
        return failure.Verdict is S3Verdict.Ok or S3Verdict.NotFound;
    }

    private string RegionText() => connection.Client.Config.AuthenticationRegion
        ?? connection.Client.Config.RegionEndpoint?.SystemName ?? "unknown";

    private string ChecksumText() =>
        connection.Options.UsedChecksums == S3Checksums.WhenRequired ? "when-required" : "when-supported";

    /// <summary>Whether a condition counts; null = unknown, and why.</summary>
    private readonly record struct Finding(bool? Holds, string Text)
    {
        public bool IsKnown => Holds is not null;

        public static Finding Of(S3Failure failure) => failure.Verdict switch
        {
            S3Verdict.Ok => new(false, "no"),
            S3Verdict.Changed or S3Verdict.NotFound => new(true, "yes"),
            _ when failure.Status == 501 => new(false, "no"),
            _ => Unknown(failure),
        };

        public static Finding Unknown(S3Failure failure) => new(
            null, failure.Verdict == S3Verdict.Denied ? "unknown: no write permission" : $"unknown: {failure}");
    }
}
