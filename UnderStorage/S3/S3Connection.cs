using Amazon.S3;
using Microsoft.Extensions.Logging;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// What all requests of one source share: client, gate, counters, clock and log. Every request passes <see cref="CallAsync"/> or
/// does as it does. Thread-safe.
/// </summary>
internal sealed partial class S3Connection : IAsyncDisposable
{
    /// <summary>The same complaint is logged once in this time: a thousand readers fail together.</summary>
    private static readonly TimeSpan ComplainEvery = TimeSpan.FromSeconds(10);

    private readonly IDisposable _connections;
    private readonly CancellationTokenSource _closing = new();
    private readonly string _name;
    private readonly ILogger _logger;
    private readonly S3Credentials? _credentials;
    private long _refusedAt;
    private long _awayAt;
    private volatile bool _toldAway;

    public S3Connection(
        IAmazonS3 client, IDisposable connections, S3Credentials? credentials, S3Uri uri, S3Options options, S3Traffic traffic,
        TimeProvider time, Random random, ILogger logger)
    {
        (Client, _connections, Uri, Options, Traffic, Time, Random, _logger) =
            (client, connections, uri, options, traffic, time, random, logger);
        _name = uri.ToString();
        _credentials = credentials;
        Gate = new RequestGate(options.RequestsPerSecond, options.BytesPerSecond, options.Concurrency, time, random)
        {
            AwayChanged = Note,
        };
        traffic.Opened(Gate);
    }

    /// <summary>The SDK.</summary>
    public IAmazonS3 Client { get; }

    /// <summary>The place.</summary>
    public S3Uri Uri { get; }

    /// <summary>The options.</summary>
    public S3Options Options { get; }

    /// <summary>Where every request passes.</summary>
    public RequestGate Gate { get; }

    /// <summary>Counters.</summary>
    public S3Traffic Traffic { get; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>The dice.</summary>
    public Random Random { get; }

    /// <summary>Whether it is disposed.</summary>
    public bool IsClosed => _closing.IsCancellationRequested;

    /// <summary>Another number after the credentials changed.</summary>
    public int CredentialsVersion => _credentials?.Version ?? 0;

    /// <summary>Looks for other credentials than those of a <see cref="CredentialsVersion"/>.</summary>
    public bool Refresh(int refused) => _credentials?.Refresh(refused) ?? false;

    /// <summary>A token for one attempt.</summary>
    public Attempt Begin(CancellationToken caller) => new(Options.Timeout, Time, caller, _closing.Token);

    /// <summary>
    /// Sends a metadata request until it is answered for good, the caller waits no longer, or trying again makes no sense.
    /// </summary>
    /// <returns>The answer, or why there is none.</returns>
    public async ValueTask<(S3Failure Failure, T? Answer)> CallAsync<T>(
        S3Operation operation, Func<CancellationToken, Task<T>> send, CancellationToken cancellationToken)
        where T : class
    {
        var plan = new RetryPlan(Random);
        while (true)
        {
            var pass = await Gate.EnterAsync(GateLane.Metadata, 0, cancellationToken).ConfigureAwait(false);
            if (pass.Answer != GateAnswer.Go)
            {
                return (NotSent(pass), null);
            }

            var credentials = CredentialsVersion;
            var failure = new S3Failure(S3Verdict.Cancelled, "defect", 0);
            try
            {
                using var attempt = Begin(cancellationToken);
                var answer = await send(attempt.Token).ConfigureAwait(false);
                failure = new S3Failure(S3Verdict.Ok, "", 200);
                return (failure, answer);
            }
            catch (Exception exception) when (Read(exception, cancellationToken) is { } read)
            {
                failure = read;
            }
            finally
            {
                Gate.Leave(pass, failure.Verdict);
                Traffic.Count(operation, failure.Verdict);
            }

            if (!await RetryAsync(plan.Next(failure.Verdict, () => Refresh(credentials)), cancellationToken).ConfigureAwait(false))
            {
                return (GiveUp(failure, operation, cancellationToken), null);
            }
        }
    }

    /// <summary>Why an exception; null when it is a defect.</summary>
    public S3Failure? Read(Exception exception, CancellationToken cancellationToken) =>
        IsClosed ? new S3Failure(S3Verdict.Refused, "the source is closed", 0)
        : S3Failure.Of(exception, cancellationToken.IsCancellationRequested, Time.GetUtcNow());

    /// <summary>Why a request was not sent.</summary>
    public S3Failure NotSent(GatePass pass)
    {
        if (pass.Answer == GateAnswer.Full)
        {
            Traffic.CountTurnedAway();
            return new S3Failure(S3Verdict.Refused, "too many requests wait", 0);
        }

        return new S3Failure(IsClosed ? S3Verdict.Refused : S3Verdict.Cancelled, "not sent", 0);
    }

    /// <summary>Waits before the next attempt.</summary>
    /// <param name="pause">How long; null = no more attempts.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there is one.</returns>
    public async ValueTask<bool> RetryAsync(TimeSpan? pause, CancellationToken cancellationToken)
    {
        if (pause is not { } wait || IsClosed)
        {
            return false;
        }

        try
        {
            await Task.Delay(wait, Time, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        Traffic.CountRetry();
        return true;
    }

    /// <summary>The end of all attempts: says it where somebody has to do something.</summary>
    /// <returns>The failure the caller sees.</returns>
    public S3Failure GiveUp(S3Failure failure, S3Operation operation, CancellationToken cancellationToken)
    {
        if (failure.Verdict is S3Verdict.BadCredentials or S3Verdict.Refused && !IsClosed && MayComplain(ref _refusedAt))
        {
            LogRefused(_name, operation, failure.Code, failure.Status, AdviceOn(failure));
        }

        return failure.Verdict != S3Verdict.Ok && cancellationToken.IsCancellationRequested && IsPassing(failure.Verdict)
            ? failure with { Verdict = S3Verdict.Cancelled } : failure;
    }

    /// <summary>What to do about a failure.</summary>
    public static string AdviceOn(S3Failure failure) => failure switch
    {
        { Code: "RequestTimeTooSkewed" or "clocks differ" } => "set the clock of the silo's machine.",
        { Verdict: S3Verdict.BadCredentials } => "check the silo's credentials: environment, profile or credentials-file.",
        { Verdict: S3Verdict.Denied } => "allow s3:ListBucket and s3:GetObject to these credentials.",
        { Verdict: S3Verdict.NotFound } => "check the bucket's name, the endpoint and the region.",
        { Code: "PermanentRedirect" or "AuthorizationHeaderMalformed" or "TemporaryRedirect", } or { Status: 301 or 307 } =>
            "the bucket is in another region: give --option region=NAME.",
        { Code: "InvalidObjectState" } => "the object is archived: restore it first.",
        { Code: "TLS" } => "check the certificate of the endpoint (ca-file) and its name.",
        { Code: "XAmzContentSHA256Mismatch" or "NotImplemented" } => "try --option checksum=when-required.",
        _ => "check endpoint, path-style and region.",
    };

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (IsClosed)
        {
            return;
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        Gate.Dispose();
        Traffic.Closed(Gate);
        Client.Dispose();
        _connections.Dispose();
    }

    private static bool IsPassing(S3Verdict verdict) =>
        verdict is S3Verdict.Throttled or S3Verdict.Failed or S3Verdict.Unreachable;

    /// <summary>A store that comes and goes is told about now and then, and that it is back only to who knows that it was away.</summary>
    private void Note(bool away)
    {
        if (away && MayComplain(ref _awayAt))
        {
            _toldAway = true;
            LogAway(_name);
        }
        else if (!away && _toldAway)
        {
            _toldAway = false;
            LogBack(_name);
        }
    }

    private bool MayComplain(ref long at)
    {
        var last = Interlocked.Read(ref at);
        return (last == 0 || Time.GetElapsedTime(last) >= ComplainEvery)
            && Interlocked.CompareExchange(ref at, Math.Max(1, Time.GetTimestamp()), last) == last;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Source} does not answer. It is asked by one request at a time until it does")]
    private partial void LogAway(string source);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Source} answers again")]
    private partial void LogBack(string source);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Source} refuses {Operation}: {Code} (HTTP {Status}). What to do: {Advice}")]
    private partial void LogRefused(string source, S3Operation operation, string code, int status, string advice);
}
