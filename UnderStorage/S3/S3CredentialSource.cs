using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// Where credentials come from: the named file or profile, else the environment, the default profile, the container, the machine's
/// role. The last is asked only on EC2, because its address answers nobody elsewhere. What is found is never shown.
/// </summary>
/// <param name="options">What was asked for.</param>
/// <param name="environment">Reads an environment variable.</param>
internal sealed class S3CredentialSource(S3Options options, Func<string, string?> environment)
{
    private const string MachineVendorFile = "/sys/class/dmi/id/sys_vendor";

    /// <summary>The profile that counts.</summary>
    public string Profile => options.Profile ?? Variable("AWS_PROFILE") ?? "default";

    /// <summary>The file whose change means other credentials; null when they come from elsewhere.</summary>
    public string? File =>
        options.Anonymous ? null
        : options.CredentialsFile is not null ? options.CredentialsFile
        : options.Profile is null && HasEnvironmentKeys ? null
        : Variable("AWS_SHARED_CREDENTIALS_FILE") ?? SharedCredentialsFile.DefaultFilePath;

    private bool HasEnvironmentKeys => Variable("AWS_ACCESS_KEY_ID") is not null && Variable("AWS_SECRET_ACCESS_KEY") is not null;

    /// <summary>Looks for them; may block on files and, on EC2, on the machine's metadata service.</summary>
    /// <exception cref="CacheRequestException">There are none; says where they can be put.</exception>
    public AWSCredentials Load()
    {
        if (options.Anonymous)
        {
            return new AnonymousAWSCredentials();
        }

        if (options.Profile is null && options.CredentialsFile is null && HasEnvironmentKeys)
        {
            var (key, secret) = (Variable("AWS_ACCESS_KEY_ID"), Variable("AWS_SECRET_ACCESS_KEY"));
            return Variable("AWS_SESSION_TOKEN") is { } token
                ? new SessionAWSCredentials(key, secret, token)
                : new BasicAWSCredentials(key, secret);
        }

        if (FromFile() is { } found)
        {
            return found;
        }

        if (options.CredentialsFile is not null || options.Profile is not null)
        {
            throw new CacheRequestException(RequestError.AccessDenied, $"no usable credentials of profile '{Profile}' in '{File}' on the "
                + "silo's machine. Check that the file exists, that the silo's user may read it, and that it has that profile.");
        }

        if ((Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ?? Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")) is not null)
        {
            return new GenericContainerCredentials();
        }

        return IsOnEc2() && !string.Equals(Variable("AWS_EC2_METADATA_DISABLED"), "true", StringComparison.OrdinalIgnoreCase)
            ? new InstanceProfileAWSCredentials()
            : throw new CacheRequestException(RequestError.AccessDenied,
                "the silo has no S3 credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment, or name a file "
                + "(--option credentials-file=/path), or, for a public bucket, --option anonymous=true.");
    }

    /// <summary>The region of the environment or of the profile; null = neither says.</summary>
    public string? Region()
    {
        if ((Variable("AWS_REGION") ?? Variable("AWS_DEFAULT_REGION")) is { } region)
        {
            return region;
        }

        return Find(out _)?.Region?.SystemName;
    }

    private AWSCredentials? FromFile() =>
        Find(out var source) is { } profile && AWSCredentialsFactory.TryGetAWSCredentials(profile, source, out var found) ? found : null;

    /// <exception cref="CacheRequestException">
    /// The file cannot be read. What the SDK says of that is not passed on: it quotes the line it does not understand.
    /// </exception>
    private CredentialProfile? Find(out ICredentialProfileSource source)
    {
        try
        {
            source = options.CredentialsFile is { } file
                ? new SharedCredentialsFile(file)
                : new CredentialProfileStoreChain(Variable("AWS_SHARED_CREDENTIALS_FILE"));
            return source.TryGetProfile(Profile, out var profile) ? profile : null;
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException
            or ArgumentException or AmazonClientException)
        {
            var where = options.CredentialsFile ?? Variable("AWS_SHARED_CREDENTIALS_FILE") ?? SharedCredentialsFile.DefaultFilePath;
            throw new CacheRequestException(RequestError.AccessDenied, $"the credentials file '{where}' on the silo's machine, or the "
                + $"config file beside it, cannot be read ({exception.GetType().Name}). Check that the silo's user may read it, and that "
                + "every line is a [section], a name = value, or a # comment.");
        }
    }

    private string? Variable(string name) => environment(name) is { Length: > 0 } value ? value : null;

    private static bool IsOnEc2()
    {
        try
        {
            return System.IO.File.ReadAllText(MachineVendorFile).Contains("Amazon", StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // no such file: no such machine
        }
    }
}
