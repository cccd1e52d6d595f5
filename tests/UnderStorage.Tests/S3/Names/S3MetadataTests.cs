using OrleansCache.Files;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

public sealed class S3MetadataTests
{
    private static readonly SourceId Source = SourceId.FromUri("s3://bucket/");
    private static readonly S3Presentation Presentation = new(1000, 100, 0x1A4, 0x1ED);

    [Fact]
    public void Head_and_list_give_one_version()
    {
        var time = new DateTime(2026, 2, 3, 4, 5, 6, DateTimeKind.Utc);
        var head = S3Metadata.OfObject(Source, Presentation, "k", 7, time, "\"abc-2\"");
        var listed = S3Metadata.OfObject(Source, Presentation, "k", 7, time.AddMilliseconds(789), "abc-2");
        Assert.Equal(head, listed);
        Assert.Equal(new FileVersion(7, new DateTimeOffset(time).ToUnixTimeSeconds() * 1_000_000_000, 0, "abc-2"), head.Version);
        Assert.Equal(head, S3Metadata.OfObject(Source, Presentation, "k", 7, time.ToLocalTime(), "abc-2"));
        Assert.Equal(-1_000_000_000, S3Metadata.VersionOf(0, DateTime.UnixEpoch.AddMilliseconds(-1), "x").ModifiedNs);
    }

    [Fact]
    public void A_file_and_a_directory_look_as_the_source_was_told()
    {
        var file = S3Metadata.OfObject(Source, Presentation, "k", 7, DateTime.UnixEpoch, "x");
        var directory = S3Metadata.OfPrefix(Source, Presentation, "k/");
        Assert.Equal((FileKind.File, 0x81A4u, 1000u, 100u), (file.Kind, file.Mode, file.Uid, file.Gid));
        Assert.Equal((FileKind.Directory, 0x41EDu, 1000u, 100u), (directory.Kind, directory.Mode, directory.Uid, directory.Gid));
        Assert.NotEqual(file.Id, directory.Id);
    }

    [Fact]
    public void An_identity_is_of_one_source_and_key_and_stays()
    {
        var id = S3Metadata.OfObject(Source, Presentation, "a/b", 7, DateTime.UnixEpoch, "x").Id;
        Assert.Equal(id, S3Metadata.OfObject(Source, default, "a/b", 8, DateTime.UnixEpoch.AddDays(1), "y").Id);
        Assert.NotEqual(id, S3Metadata.OfObject(Source, Presentation, "a/c", 7, DateTime.UnixEpoch, "x").Id);
        Assert.NotEqual(id, S3Metadata.OfObject(new SourceId(1), Presentation, "a/b", 7, DateTime.UnixEpoch, "x").Id);
        Assert.Throws<ArgumentException>(() => S3Metadata.OfPrefix(Source, Presentation, "a"));
    }
}
