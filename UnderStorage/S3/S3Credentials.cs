using Amazon.Runtime;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// Credentials that follow their file: looked at once a second at most, and at once when the store refuses them. While the file
/// cannot be read the last ones count. Thread-safe; shows nothing of what it holds.
/// </summary>
internal sealed class S3Credentials : AWSCredentials
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>Who gives credentials out (a role's service, a process) has its own, longer patience, and a request holds a pass meanwhile.</summary>
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(15);

    private readonly S3CredentialSource _source;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly string? _file;
    private volatile AWSCredentials _current;
    private (DateTime WrittenAt, long Length) _seen;
    private long _lookedAt;
    private int _version;

    /// <summary>Loads them.</summary>
    /// <exception cref="CacheRequestException">There are none.</exception>
    public S3Credentials(S3CredentialSource source, TimeProvider time)
    {
        _source = source;
        _time = time;
        _file = source.File;
        _seen = Look();
        _lookedAt = time.GetTimestamp();
        _current = source.Load();
    }

    /// <summary>Another number after they changed.</summary>
    public int Version => Volatile.Read(ref _version);

    /// <inheritdoc/>
    public override ImmutableCredentials GetCredentials() => Current().GetCredentials();

    /// <inheritdoc/>
    public override Task<ImmutableCredentials> GetCredentialsAsync()
    {
        var looking = Current().GetCredentialsAsync();
        return looking.IsCompleted ? looking : NotForEverAsync(looking);
    }

    /// <summary>The store refused them: looks for others at once, unless somebody did since.</summary>
    /// <param name="refused">The <see cref="Version"/> that was refused.</param>
    /// <returns>Whether there may be others now, so that asking again makes sense.</returns>
    public bool Refresh(int refused)
    {
        lock (_gate)
        {
            if (refused != _version)
            {
                return true; // a thousand requests refused together ask for others once
            }

            if (_current is RefreshingAWSCredentials refreshing)
            {
                refreshing.ClearCredentials();
                _version++;
                return true;
            }

            return ReloadIfChanged();
        }
    }

    private async Task<ImmutableCredentials> NotForEverAsync(Task<ImmutableCredentials> looking)
    {
        try
        {
            return await looking.WaitAsync(LongestLook, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new AmazonClientException($"there were no credentials within {LongestLook.TotalSeconds:0} s");
        }
    }

    private AWSCredentials Current()
    {
        if (_file is null || _time.GetElapsedTime(Volatile.Read(ref _lookedAt)) < LookEvery)
        {
            return _current;
        }

        lock (_gate)
        {
            _ = ReloadIfChanged();
            return _current;
        }
    }

    private bool ReloadIfChanged()
    {
        Volatile.Write(ref _lookedAt, _time.GetTimestamp());
        var now = Look();
        if (_file is null || now == _seen)
        {
            return false;
        }

        try
        {
            _current = _source.Load();
            _seen = now;
            _version++;
            return true;
        }
        catch (Exception exception) when (exception is CacheRequestException or AmazonClientException or IOException
            or UnauthorizedAccessException or ArgumentException)
        {
            return false; // half written: the old ones count, and the next look tries again
        }
    }

    private (DateTime WrittenAt, long Length) Look()
    {
        var file = _file is null ? null : new FileInfo(_file);
        return file is { Exists: true } ? (file.LastWriteTimeUtc, file.Length) : default;
    }
}
