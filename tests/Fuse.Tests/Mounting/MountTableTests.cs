using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Fuse.Mounting;

namespace OrleansCache.Fuse.Tests.Mounting;

public sealed class MountTableTests
{
    private const string Table =
        "21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
        + "40 21 0:45 / /mnt/with\\040space\\134back ro shared:9 master:2 - fuse.ocache ocache ro,user_id=0\n"
        + "41 21 0:46 / /mnt/plain ro - fuse.sshfs host:/x rw\n";

    [Fact]
    public void Our_mounts_are_told_from_others()
    {
        var entry = Assert.Single(MountTable.Parse(Table), entry => entry.IsOurs);
        Assert.Equal("/mnt/with space\\back", entry.Path);
        Assert.Equal((0u, 45u, "ocache"), (entry.DeviceMajor, entry.DeviceMinor, entry.Source));
        Assert.Equal(3, MountTable.Parse(Table).Count);
    }

    [Fact]
    public void Escapes_are_undone() => Prop.ForAll<NonEmptyString>(text =>
    {
        var path = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.Get)); // Without lone surrogates.
        return MountTable.Decode(Encode(path)) == path;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_text_is_parsed_without_throwing() =>
        Prop.ForAll<string>(text => MountTable.Parse(text ?? string.Empty).Count >= 0).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("a\\")]
    [InlineData("a\\04")]
    [InlineData("a\\999")]
    [InlineData("a\\777")]
    public void What_is_no_escape_stays(string field) => Assert.Equal(field, MountTable.Decode(field));

    [Fact]
    public void The_real_table_has_a_root() => Assert.Contains(MountTable.Read(), entry => entry.Path == "/");

    // As the kernel does it (seq_path): blanks, tabs, newlines and backslashes.
    private static string Encode(string path)
    {
        var encoded = new StringBuilder();
        foreach (var letter in path)
        {
            _ = letter is ' ' or '\t' or '\n' or '\\'
                ? encoded.Append('\\').Append(Convert.ToString(letter, 8).PadLeft(3, '0'))
                : encoded.Append(letter);
        }

        return encoded.ToString();
    }
}
