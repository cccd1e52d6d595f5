using System.Runtime.CompilerServices;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

public sealed class S3OptionTests
{
    [Fact]
    public void Options_are_read()
    {
        var options = Parse(
            ("endpoint", "http://127.0.0.1:9000"), ("region", "eu-central-1"), ("path-style", "false"), ("checksum", "when-supported"),
            ("profile", "train"), ("credentials-file", "/etc/keys"), ("requests-per-second", "12.5"), ("bytes-per-second", "150MiB"),
            ("concurrency", "7"), ("proxy", "http://proxy:3128"), ("uid", "1000"), ("gid", "1001"), ("file-mode", "0640"),
            ("dir-mode", "750"), ("timeout", "1500ms"), ("probe", "false"));
        Assert.Equal(
            new S3Options
            {
                Endpoint = new Uri("http://127.0.0.1:9000"),
                Region = "eu-central-1",
                PathStyle = false,
                Checksums = S3Checksums.WhenSupported,
                Profile = "train",
                CredentialsFile = "/etc/keys",
                RequestsPerSecond = 12.5,
                BytesPerSecond = 150 << 20,
                Concurrency = 7,
                Proxy = new Uri("http://proxy:3128"),
                Uid = 1000,
                Gid = 1001,
                FileMode = 0x1A0,
                DirectoryMode = 0x1E8,
                Timeout = TimeSpan.FromSeconds(1.5),
                Probe = false,
            },
            options);
        Assert.True(Parse(("anonymous", "true")).Anonymous);
        Assert.Equal("/c", Parse(("ca-file", "/a"), ("client-cert", "/b"), ("client-key", "/c")).ClientKey);
    }

    [Fact]
    public void Defaults_follow_the_endpoint()
    {
        var aws = Parse();
        Assert.False(aws.UsesPathStyle);
        Assert.Equal(S3Checksums.WhenSupported, aws.UsedChecksums);
        var own = Parse(("endpoint", "https://store"));
        Assert.True(own.UsesPathStyle);
        Assert.Equal(S3Checksums.WhenRequired, own.UsedChecksums);
        Assert.Equal("https://store", own.EndpointText);
        Assert.Equal(new SyncRule(TimeSpan.FromSeconds(60)), S3Source.FactoryOf(null, null, new LogBook()).DefaultSync);
    }

    [Theory]
    [InlineData("endpoint", "store:9000")]
    [InlineData("endpoint", "ftp://store")]
    [InlineData("endpoint", "http://store/path")]
    [InlineData("endpoint", "http://store?x=1")]
    [InlineData("endpoint", "")]
    [InlineData("region", "eu central")]
    [InlineData("path-style", "yes")]
    [InlineData("checksum", "never")]
    [InlineData("profile", "")]
    [InlineData("credentials-file", "relative")]
    [InlineData("requests-per-second", "0")]
    [InlineData("requests-per-second", "NaN")]
    [InlineData("requests-per-second", "-1")]
    [InlineData("bytes-per-second", "1KiB")]
    [InlineData("bytes-per-second", "2TiB")]
    [InlineData("bytes-per-second", "MiB")]
    [InlineData("concurrency", "0")]
    [InlineData("concurrency", "1025")]
    [InlineData("concurrency", "1e3")]
    [InlineData("uid", "-1")]
    [InlineData("uid", "4294967295")]
    [InlineData("file-mode", "0999")]
    [InlineData("file-mode", "1777")]
    [InlineData("file-mode", "")]
    [InlineData("dir-mode", "00000755")]
    [InlineData("timeout", "0s")]
    [InlineData("timeout", "10")]
    [InlineData("timeout", "1h")]
    [InlineData("timeout", "ms")]
    [InlineData("probe", "")]
    public void What_does_not_fit_is_refused_with_what_does(string name, string value)
    {
        var refused = Assert.Throws<CacheRequestException>(() => Parse((name, value)));
        Assert.Equal(RequestError.InvalidArgument, refused.Error);
        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
        Assert.Contains(S3Option.All.Single(one => one.Name == name).Values, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_go_together_is_refused()
    {
        Assert.Throws<CacheRequestException>(() => Parse(("anonymous", "true"), ("profile", "x")));
        Assert.Throws<CacheRequestException>(() => Parse(("client-key", "/k")));
        Assert.Throws<CacheRequestException>(() => Parse(("endpoint", "http://store"), ("ca-file", "/a")));
        Assert.Contains("'color'", Assert.Throws<CacheRequestException>(() => Parse(("color", "red"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("access-key")]
    [InlineData("secret-key")]
    [InlineData("AWS_SECRET_ACCESS_KEY")]
    [InlineData("session-token")]
    [InlineData("password")]
    public void Secrets_are_no_options_and_are_not_repeated(string name)
    {
        var refused = Assert.Throws<CacheRequestException>(() => Parse((name, "hunter2")));
        Assert.Contains("credentials-file", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("endpoint", "https://user:hunter2@store")]
    [InlineData("proxy", "http://user:hunter2@proxy:3128")]
    public void Secrets_in_addresses_are_refused_and_not_repeated(string name, string value)
    {
        var refused = Assert.Throws<CacheRequestException>(() => Parse((name, value)));
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_option_has_its_row_in_the_contract_with_its_default()
    {
        var rows = File.ReadAllLines(Path.Combine(Root(), "docs/CONTRACT.md"));
        foreach (var option in S3Option.All)
        {
            var row = rows.FirstOrDefault(line => line.StartsWith($"| `{option.Name}` | {option.Default} |", StringComparison.Ordinal));
            Assert.True(row is not null, $"docs/CONTRACT.md has no row '| `{option.Name}` | {option.Default} |'");
        }
    }

    internal static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(here, "../../../../.."));

    private static S3Options Parse(params (string Name, string Value)[] given) => S3Option.Parse(S3Source.Options(given).Driver);
}
