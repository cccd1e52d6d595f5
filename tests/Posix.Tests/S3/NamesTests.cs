namespace OrleansCache.Posix.Tests.S3;

/// <summary>Keys that are no paths, seen by a program.</summary>
public sealed class NamesTests
{
    /// <summary>Key and the path it has.</summary>
    private static readonly (string Key, string Path)[] Reachable =
    [
        ("plain", "plain"),
        ("a//b", "a/%empty/b"),
        ("../x", "%dotdot/x"),
        ("./y", "%dot/y"),
        ("dir/", ""), // its marker: the directory is there, no file
        ("full/", "full/%empty"),
        ("both", "both"),
        ("both/inner", "both%prefix/inner"),
        ("marker", "marker%object"),
        ("marker/inner", "marker/inner"),
        ("with space and ünï©ode 日本", "with space and ünï©ode 日本"),
        ("%empty", "%%empty"),
        (new string('k', 250) + "/" + new string('l', 250) + "/" + new string('m', 250) + "/" + new string('n', 250) + "/" + "end",
            new string('k', 250) + "/" + new string('l', 250) + "/" + new string('m', 250) + "/" + new string('n', 250) + "/" + "end"),
        ("new\nline", "new\nline"),
        ("plus+and%20percent", "plus+and%20percent"),
    ];

    [Fact]
    public async Task Every_key_has_its_path_and_its_own_bytes_or_is_said_to_have_none()
    {
        var unreachable = "long/" + new string('z', 300);
        await using var stack = await S3Stack.StartAsync(bucket =>
        {
            foreach (var (key, _) in Reachable)
            {
                bucket.Put(key, key is "dir/" or "marker" ? [] : System.Text.Encoding.UTF8.GetBytes($"content of {key}"));
            }

            bucket.Put(unreachable, [1]);
            bucket.Put("long/short", [2]);
        });

        foreach (var (key, path) in Reachable.Where(one => one.Path.Length > 0))
        {
            var (bytes, errno) = MountReader.TryRead(stack.Mounted(path));
            Assert.True(bytes is not null, $"errno {errno} for the path of key '{key}'");
            Assert.Equal(key == "marker" ? "" : $"content of {key}", System.Text.Encoding.UTF8.GetString(bytes));
        }

        Assert.True(Directory.Exists(stack.Mounted("dir")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(stack.Mounted("dir")));
        var seen = Directory.EnumerateFiles(stack.MountFolder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(stack.MountFolder, path)).ToHashSet();
        var expected = Reachable.Where(one => one.Path.Length > 0).Select(one => one.Path).Append("long/short").ToHashSet();
        Assert.Equal(expected.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));

        using var listed = await stack.JsonAsync("ls", S3Stack.SourcePath + "/long");
        Assert.Single(
            listed.RootElement.GetProperty("unreachable").EnumerateArray(),
            one => one.GetString()!.StartsWith(unreachable[..200], StringComparison.Ordinal));
    }
}
