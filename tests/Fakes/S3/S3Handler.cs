using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansCache.Fakes.S3;

/// <summary>Takes a request from the server, logs it, lets it meet its troubles, checks its signature, dispatches it.</summary>
internal sealed class S3Handler(FakeS3 store, FakeS3Options options, MisbehaviourList misbehaviours)
{
    private const int MaxKeyBytes = 1024;
    private readonly BucketOperations _buckets = new(store);
    private readonly ObjectOperations _objects = new(store);
    private readonly MultipartOperations _multipart = new(options, new ObjectOperations(store));

    public async Task HandleAsync(HttpContext context)
    {
        var request = S3Request.Parse(context, name => store.TryBucket(name) is not null);
        var logged = new LoggedRequest
        {
            Timestamp = options.Time.GetTimestamp(),
            Operation = request.Operation,
            Bucket = request.Bucket,
            Key = request.Operation == S3Operation.ListObjects ? request.Parameter("prefix") ?? string.Empty : request.Key,
            Range = request.Header("Range"),
            IfMatch = request.Header("If-Match"),
            UserAgent = request.Header("User-Agent"),
        };
        store.Log.Begin(logged);
        var exchange = new S3Exchange(request, logged, misbehaviours.Meet(logged), (bucket, key) => store.TryBucket(bucket)?.Find(key));
        try
        {
            await AnswerAsync(exchange).ConfigureAwait(false);
        }
        catch (ConnectionCutException)
        {
            Cut(context);
        }
        catch (Exception gone) when (context.RequestAborted.IsCancellationRequested && gone is OperationCanceledException or IOException)
        {
            context.Abort(); // The client left, or the store stops: nobody waits for an answer.
        }
        finally
        {
            store.Log.End();
        }
    }

    /// <summary>Closes after what was written has left: a reset could overtake it.</summary>
    private static void Cut(HttpContext context)
    {
        if (context.Response.HasStarted)
        {
            context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.Complete();
        }

        context.Abort();
    }

    private async Task AnswerAsync(S3Exchange exchange)
    {
        try
        {
            if (exchange.Trouble is { } trouble && await MisbehaveAsync(exchange, trouble).ConfigureAwait(false))
            {
                return;
            }

            await DispatchAsync(exchange).ConfigureAwait(false);
        }
        catch (S3Failure failure)
        {
            await exchange.FailAsync(failure).ConfigureAwait(false);
        }
    }

    /// <summary>True when that was the whole answer.</summary>
    private static async Task<bool> MisbehaveAsync(S3Exchange exchange, Trouble trouble)
    {
        if (trouble.Delay > TimeSpan.Zero)
        {
            await Task.Delay(trouble.Delay, TimeProvider.System, exchange.Aborted).ConfigureAwait(false);
        }

        if (trouble.Hang)
        {
            await trouble.HangAsync(exchange.Aborted).ConfigureAwait(false);
        }

        if (trouble.Hang || trouble.Close)
        {
            throw new ConnectionCutException();
        }

        if (trouble.Answer is { Status: { } status } answer)
        {
            throw new S3Failure(status, answer.CodeOfStatus, "The fake was told to answer this.");
        }

        if (trouble.Garbage is { } garbage)
        {
            await exchange.AnswerAsync(200, System.Text.Encoding.UTF8.GetBytes(garbage)).ConfigureAwait(false);
            return true;
        }

        return false;
    }

    private async Task DispatchAsync(S3Exchange exchange)
    {
        var request = exchange.Request;
        var signature = SignatureV4.Check(request, store.SecretOf, options.Time.GetUtcNow());
        if (request.Operation is S3Operation.ListBuckets or S3Operation.CreateBucket or S3Operation.Unknown)
        {
            if (signature is null)
            {
                throw S3Failure.AccessDenied();
            }

            await WithoutBucketAsync(exchange, request).ConfigureAwait(false);
            return;
        }

        var bucket = store.TryBucket(request.Bucket) ?? throw S3Failure.NoSuchBucket();
        if (signature is null && !bucket.Anonymous)
        {
            throw S3Failure.AccessDenied();
        }

        if (ObjectKey.ToBytes(request.Key).Length > MaxKeyBytes)
        {
            throw new S3Failure(400, "KeyTooLongError", "Your key is too long");
        }

        await (request.Key.Length == 0
            ? OnBucketAsync(exchange, bucket, signature)
            : OnObjectAsync(exchange, bucket, signature)).ConfigureAwait(false);
    }

    private async Task WithoutBucketAsync(S3Exchange exchange, S3Request request)
    {
        switch (request.Operation)
        {
            case S3Operation.ListBuckets:
                await _buckets.ListBucketsAsync(exchange).ConfigureAwait(false);
                break;
            case S3Operation.CreateBucket:
                _buckets.Create(exchange);
                break;
            default:
                throw S3Failure.NotImplemented();
        }
    }

    private Task OnBucketAsync(S3Exchange exchange, FakeBucket bucket, SignatureV4? signature)
    {
        switch (exchange.Request.Operation)
        {
            case S3Operation.HeadBucket:
                exchange.Answer(200);
                return Task.CompletedTask;
            case S3Operation.DeleteBucket:
                _buckets.Delete(exchange, bucket);
                return Task.CompletedTask;
            case S3Operation.ListObjects:
                return BucketOperations.ListAsync(exchange, bucket);
            case S3Operation.DeleteObjects:
                return BucketOperations.DeleteObjectsAsync(exchange, bucket, signature);
            case S3Operation.GetBucketLocation:
                return exchange.AnswerAsync(200, S3Xml.Write("LocationConstraint"));
            case S3Operation.GetBucketVersioning:
                return exchange.AnswerAsync(200, S3Xml.Write("VersioningConfiguration"));
            case S3Operation.ListMultipartUploads:
                return _multipart.ListUploadsAsync(exchange, bucket);
            default:
                throw S3Failure.NotImplemented();
        }
    }

    private Task OnObjectAsync(S3Exchange exchange, FakeBucket bucket, SignatureV4? signature)
    {
        switch (exchange.Request.Operation)
        {
            case S3Operation.GetObject or S3Operation.HeadObject:
                return ObjectOperations.ReadAsync(exchange, bucket);
            case S3Operation.PutObject:
                return ObjectOperations.PutAsync(exchange, bucket, signature);
            case S3Operation.CopyObject:
                return _objects.CopyAsync(exchange, bucket);
            case S3Operation.DeleteObject:
                ObjectOperations.Delete(exchange, bucket);
                return Task.CompletedTask;
            case S3Operation.CreateMultipartUpload:
                return _multipart.CreateAsync(exchange, bucket);
            case S3Operation.UploadPart:
                return _multipart.PutPartAsync(exchange, signature);
            case S3Operation.UploadPartCopy:
                return _multipart.CopyPartAsync(exchange);
            case S3Operation.CompleteMultipartUpload:
                return _multipart.CompleteAsync(exchange, bucket, signature);
            case S3Operation.AbortMultipartUpload:
                _multipart.Abort(exchange);
                return Task.CompletedTask;
            case S3Operation.ListParts:
                return _multipart.ListPartsAsync(exchange);
            default:
                throw S3Failure.NotImplemented();
        }
    }
}
