using Amazon.Runtime;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>Credentials files that somebody made by hand.</summary>
public sealed class S3CredentialFileTests : IDisposable
{
    private const string Secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
    private readonly string _directory = Directory.CreateTempSubdirectory("ocache-keys-").FullName;

    private string Keys => Path.Combine(_directory, "keys");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("[default]\naws_access_key_id = AKIAEXAMPLE\n" + Secret + "\n")]
    [InlineData(Secret)]
    [InlineData("[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key\n" + Secret + "\n")]
    public async Task A_file_that_cannot_be_read_is_said_without_what_stands_in_it(string text)
    {
        await File.WriteAllTextAsync(Keys, text);
        var log = new LogBook();
        var factory = S3Source.FactoryOf(null, null, log);
        var options = S3Source.Options(("endpoint", "http://127.0.0.1:1"), ("credentials-file", Keys));
        var refused = await Assert.ThrowsAsync<CacheRequestException>(
            () => factory.OpenAsync(factory.Identify("s3://data", options), options, S3Source.Soon).AsTask());
        Assert.Equal(RequestError.AccessDenied, refused.Error);
        Assert.DoesNotContain(Secret, refused + log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_half_written_changes_nothing()
    {
        await File.WriteAllTextAsync(Keys, "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = " + Secret + "\n");
        var time = new ManualTime();
        var credentials = new S3Credentials(new S3CredentialSource(new S3Options { CredentialsFile = Keys }, _ => null), time);
        await File.WriteAllTextAsync(Keys, "[default]\naws_access_key_id = AKIAOTHER\naws_sec");
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(Secret, (await credentials.GetCredentialsAsync()).SecretKey);
        await File.WriteAllTextAsync(Keys, "[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = another\n");
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("another", (await credentials.GetCredentialsAsync()).SecretKey);
    }

    [Fact]
    public async Task Who_was_refused_with_credentials_that_changed_meanwhile_asks_again()
    {
        await File.WriteAllTextAsync(Keys, "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = " + Secret + "\n");
        var time = new ManualTime();
        var credentials = new S3Credentials(new S3CredentialSource(new S3Options { CredentialsFile = Keys }, _ => null), time);
        var refused = credentials.Version;
        Assert.False(credentials.Refresh(refused)); // the file is as it was
        await File.WriteAllTextAsync(Keys, "[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = another\n");
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("another", (await credentials.GetCredentialsAsync()).SecretKey); // another request's
        Assert.True(credentials.Refresh(refused));
        Assert.False(credentials.Refresh(credentials.Version));
    }

    [Fact]
    public async Task Credentials_that_do_not_come_are_not_waited_for_for_ever()
    {
        await File.WriteAllTextAsync(Keys, "[default]\ncredential_process = sleep 30\n");
        var time = new ManualTime();
        var credentials = new S3Credentials(new S3CredentialSource(new S3Options { CredentialsFile = Keys }, _ => null), time);
        var looking = credentials.GetCredentialsAsync();
        Assert.False(looking.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(16));
        var failure = await Assert.ThrowsAsync<AmazonClientException>(() => looking);
        Assert.Contains("within", failure.Message, StringComparison.Ordinal);
        Assert.Equal(S3Verdict.BadCredentials, S3Failure.Of(failure, false, time.GetUtcNow())!.Value.Verdict);
    }
}
