using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.UnderStorage.S3;

/// <summary>Opens <c>s3://</c> sources.</summary>
/// <param name="loggers">Where they complain.</param>
/// <param name="time">The clocks.</param>
public sealed class S3UnderStorageFactory(ILoggerFactory loggers, TimeProvider time) : IUnderStorageFactory
{
    /// <summary>Opening takes a credential look-up, a connection and one listing; a store that is slower is down.</summary>
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(15);

    /// <inheritdoc/>
    public string Scheme => "s3";

    /// <summary>A minute: a HEAD costs money and a round trip, and datasets in buckets change seldom.</summary>
    public SyncRule DefaultSync => new(TimeSpan.FromMinutes(1));

    /// <summary>The numbers of all S3 sources of this process.</summary>
    public S3Metrics Metrics { get; } = new();

    /// <summary>Reads environment variables; tests have their own.</summary>
    internal Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Random pauses; tests have their own.</summary>
    internal Random Random { get; init; } = Random.Shared;

    /// <inheritdoc/>
    public SourceIdentity Identify(string uri, SourceOptions options)
    {
        var place = S3Uri.Parse(uri).ToString();
        var endpoint = S3Option.Parse(options.Driver).EndpointText;

        // Buckets of the same name on different servers are different places. A space is in no endpoint, so the two do not mix.
        return endpoint.Length == 0
            ? SourceIdentity.OfUri(place)
            : new SourceIdentity(SourceId.FromUri($"{endpoint} {place}"), place);
    }

    /// <inheritdoc/>
    public async ValueTask<IUnderStorage> OpenAsync(
        SourceIdentity identity, SourceOptions options, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(identity, S3Option.Parse(options.Driver), cancellationToken).ConfigureAwait(false);
        try
        {
            using var deadline = new CancellationTokenSource(OpenTimeout, time);
            using var registration = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), deadline);
            var (failure, _) = await new S3Pages(connection).AskAsync(
                connection.Uri.Prefix, delimited: false, null, 1, deadline.Token).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (failure.Verdict != S3Verdict.Ok)
            {
                throw Explain(connection, failure);
            }

            return new S3UnderStorage(identity.Id, connection);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static CacheRequestException Explain(S3Connection connection, S3Failure failure)
    {
        var where = connection.Options.Endpoint is null ? "" : $" at {connection.Options.EndpointText}";
        var what = $"'{connection.Uri}'{where}";
        return failure.Verdict switch
        {
            S3Verdict.NotFound => new(RequestError.NotFound,
                $"{what} does not exist ({failure}). What to do: {S3Connection.AdviceOn(failure)}"),
            S3Verdict.Denied or S3Verdict.BadCredentials => new(RequestError.AccessDenied,
                $"the silo may not list {what} ({failure}). What to do: {S3Connection.AdviceOn(failure)}"),
            S3Verdict.Refused => new(RequestError.InvalidArgument,
                $"{what} refuses to be listed ({failure}). What to do: {S3Connection.AdviceOn(failure)}"),
            _ => new(RequestError.Unavailable,
                $"{what} did not answer within {OpenTimeout.TotalSeconds:0} s ({failure}). Is the store up, and does the silo's machine reach it?"),
        };
    }

    private async ValueTask<S3Connection> ConnectAsync(SourceIdentity identity, S3Options options, CancellationToken cancellationToken)
    {
        // Files, and on EC2 the metadata service, are asked by calls that block: elsewhere, and not waited for too long.
        var looking = Task.Run(
            () =>
            {
                var source = new S3CredentialSource(options, Environment);
                return (Credentials: new S3Credentials(source, time), Region: source.Region());
            },
            cancellationToken);
        try
        {
            var (credentials, region) = await looking.WaitAsync(OpenTimeout, time, cancellationToken).ConfigureAwait(false);
            var (client, connections) = S3ClientFactory.Create(
                options, options.Anonymous ? new Amazon.Runtime.AnonymousAWSCredentials() : credentials, region, Environment);
            return new S3Connection(
                client, connections, credentials, S3Uri.Parse(identity.Uri), options, Metrics.Of(identity.Id), time, Random,
                loggers.CreateLogger<S3UnderStorageFactory>());
        }
        catch (TimeoutException)
        {
            throw new CacheRequestException(RequestError.Unavailable,
                $"credentials for '{identity.Uri}' were not found within {OpenTimeout.TotalSeconds:0} s. "
                    + "Name a file (--option credentials-file=/path).");
        }
        catch (Amazon.Runtime.AmazonClientException exception)
        {
            throw new CacheRequestException(RequestError.AccessDenied,
                $"credentials for '{identity.Uri}' cannot be used ({exception.GetType().Name}). "
                    + "Check the silo's environment, profile or credentials-file.");
        }
    }
}
