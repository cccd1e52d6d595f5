using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

public sealed class S3UriTests
{
    private static readonly S3UnderStorageFactory Factory = S3Source.FactoryOf("key", "secret", new LogBook());

    [Theory]
    [InlineData("s3://bucket", "bucket", "", "s3://bucket")]
    [InlineData("S3://bucket/", "bucket", "", "s3://bucket")]
    [InlineData("s3://my.bucket_1/a/b/", "my.bucket_1", "a/b/", "s3://my.bucket_1/a/b")]
    [InlineData("s3://bucket/50% off+é?x#y@z", "bucket", "50% off+é?x#y@z/", "s3://bucket/50% off+é?x#y@z")]
    public void A_bucket_has_one_spelling(string uri, string bucket, string prefix, string canonical)
    {
        var read = S3Uri.Parse(uri);
        Assert.Equal(new S3Uri(bucket, prefix), read);
        Assert.Equal(canonical, read.ToString());
        Assert.Equal(read, S3Uri.Parse(canonical));
        Assert.Equal(canonical, Factory.Identify(uri, new()).Uri);
    }

    [Theory]
    [InlineData("file:///a")]
    [InlineData("s3:/bucket")]
    [InlineData("s3://")]
    [InlineData("s3:///prefix")]
    [InlineData("s3://ab")]
    [InlineData("s3://-bucket")]
    [InlineData("s3://buc..ket")]
    [InlineData("s3://buc ket")]
    [InlineData("s3://bucket//a")]
    [InlineData("s3://bucket/a//b")]
    [InlineData("s3://bucket/a/../b")]
    [InlineData("s3://bucket/./b")]
    [InlineData("s3://bucket/a\nb")]
    public void What_is_no_bucket_is_refused_with_advice(string uri)
    {
        var refused = Assert.Throws<CacheRequestException>(() => Factory.Identify(uri, new()));
        Assert.Equal(RequestError.InvalidArgument, refused.Error);
        Assert.Contains("s3://bucket/prefix", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_prefix_that_leaves_no_room_for_names_is_refused() =>
        Assert.Throws<CacheRequestException>(() => S3Uri.Parse("s3://bucket/" + new string('é', 451)));

    [Theory]
    [InlineData("s3://AKIAKEY:hunter2@bucket")]
    [InlineData("s3://AKIAKEY:hunter2@bucket/prefix")]
    public void Credentials_in_a_URI_are_refused_and_not_repeated(string uri)
    {
        var refused = Assert.Throws<CacheRequestException>(() => Factory.Identify(uri, new()));
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("AKIAKEY", refused.ToString(), StringComparison.Ordinal);
        Assert.Contains("credentials-file", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_is_named_by_place_and_server_and_by_nothing_else()
    {
        static SourceIdentity Of(string uri, params (string, string)[] options) => Factory.Identify(uri, S3Source.Options(options));
        var aws = Of("s3://bucket/a");
        var here = Of("s3://bucket/a", ("endpoint", "http://store:9000"));
        Assert.Equal(aws, Of("s3://bucket/a/", ("region", "eu-central-1"), ("concurrency", "3")));
        Assert.Equal(here, Of("s3://bucket/a", ("endpoint", "HTTP://STORE:9000/"), ("timeout", "3s")));
        Assert.Equal(aws.Uri, here.Uri);
        Assert.Equal(6, new[]
        {
            aws.Id, here.Id, Of("s3://bucket/b").Id, Of("s3://bucket").Id, Of("s3://bucket/a", ("endpoint", "https://store:9000")).Id,
            Of("s3://bucket/a", ("endpoint", "http://store:9001")).Id,
        }.Distinct().Count());
    }
}
