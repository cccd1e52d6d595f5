using Microsoft.Win32.SafeHandles;
using OrleansCache.Files;
using Xunit.Abstractions;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>Random changes behind the mount, random calls through it, compared with a model after each.</summary>
public sealed class ModelTests(ITestOutputHelper output)
{
    private const int ENOENT = 2;

    /// <summary>
    /// docs/SEMANTICS.md 1.1, 1.2, 2.3: with a lease of zero the mount is the tree, and an open file stays what it
    /// was.
    /// </summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(20261122, true)]
    public async Task The_mount_is_the_model_at_every_step(int seed, bool answersLater)
    {
        output.WriteLine($"seed {seed}");
        var view = new FakeNamespace { Lease = TimeSpan.Zero, PageEntries = 5, AnswersLater = answersLater };
        await using var mount = await TestMount.StartAsync(
            view, opener: new FakeOpener { IsResident = file => file.Entry.Key.Low % 3 != 0 });
        using var model = new Model(view, mount.Path, new Random(seed));
        var steps = await TestMount.OnThreadAsync(() =>
        {
            for (var step = 0; step < 600; step++)
            {
                model.Step(step);
            }

            return model.Checks;
        });
        output.WriteLine($"{steps} checks");
        Assert.True(steps > 200);
        Assert.Equal(0, mount.Mount.GetStatistics().FailedReads);
    }

    private sealed class Model(FakeNamespace view, string root, Random random) : IDisposable
    {
        private readonly SortedDictionary<string, FakeFile> _entries = new(StringComparer.Ordinal);
        private readonly List<(SafeFileHandle Handle, FakeContent Content)> _open = [];

        public int Checks { get; private set; }

        public void Step(int step)
        {
            switch (random.Next(12))
            {
                case 0:
                    var directory = NewPath(step);
                    _entries[directory] = view.AddDirectory(directory);
                    break;
                case 1 or 2:
                    var added = NewPath(step);
                    _entries[added] = view.AddFile(added, random.Next(200_000));
                    break;
                case 3 when Pick(FileKind.File) is { } replaced:
                    view.Replace(replaced, random.Next(200_000), byRename: random.Next(2) == 0);
                    _entries[replaced] = Find(replaced);
                    break;
                case 4 when Pick(FileKind.File) is { } removed:
                    view.Remove(removed);
                    _entries.Remove(removed);
                    Checks++;
                    Assert.Equal(ENOENT, TestLibc.OpenErrno(root + removed));
                    break;
                case 5 when Pick(FileKind.File) is { } moved:
                    Move(moved, NewPath(step));
                    break;
                case 6 when Pick(FileKind.Directory) is { } movedDirectory:
                    MoveDirectory(movedDirectory, step);
                    break;
                case 7 when Pick(FileKind.File) is { } opened && _open.Count < 20:
                    _open.Add((TestLibc.Open(root + opened), _entries[opened].Content));
                    break;
                case 8 when _open.Count > 0:
                    var closing = random.Next(_open.Count);
                    _open[closing].Handle.Dispose();
                    _open.RemoveAt(closing);
                    break;
                case 9:
                    CheckListing(random.Next(3) == 0 ? "" : Pick(FileKind.Directory) ?? "");
                    break;
                case 10 when Pick(FileKind.File) is { } read:
                    Checks++;
                    Assert.Equal(_entries[read].Content.LengthBytes, new FileInfo(root + read).Length);
                    Assert.Equal(_entries[read].Content.ToArray(), File.ReadAllBytes(root + read));
                    break;
                default:
                    _open.ForEach(file => CheckRead(file.Handle, file.Content));
                    break;
            }
        }

        public void Dispose() => _open.ForEach(file => file.Handle.Dispose());

        private void CheckRead(SafeFileHandle handle, FakeContent content)
        {
            Checks++;
            var offset = random.NextInt64(content.LengthBytes + 100);
            var buffer = new byte[random.Next(1, 50_000)];
            var bytes = TestLibc.Read(handle, buffer, offset);
            Assert.Equal((int)Math.Clamp(content.LengthBytes - offset, 0, buffer.Length), bytes);
            var expected = new byte[bytes];
            content.CopyTo(offset, expected);
            Assert.Equal(expected, buffer[..bytes]);
            Assert.Equal(content.LengthBytes, RandomAccess.GetLength(handle));
        }

        private void CheckListing(string directory)
        {
            Checks++;
            var prefix = directory + "/";
            var expected = _entries.Keys
                .Where(path => path.StartsWith(prefix, StringComparison.Ordinal) && !path[prefix.Length..].Contains('/'))
                .Select(path => path[prefix.Length..]);
            var seen = Directory.EnumerateFileSystemEntries(root + directory).Select(Path.GetFileName);
            Assert.Equal(expected, seen.Order(StringComparer.Ordinal));
        }

        private void Move(string from, string to)
        {
            view.Rename(from, to);
            _entries[to] = _entries[from];
            _entries.Remove(from);
            Checks++;
            Assert.Equal(ENOENT, TestLibc.OpenErrno(root + from));
            Assert.Equal(_entries[to].Content.ToArray(), File.ReadAllBytes(root + to));
        }

        private void MoveDirectory(string from, int step)
        {
            var to = $"/moved{step}";
            view.Rename(from, to);
            foreach (var path in _entries.Keys.Where(path => path == from || path.StartsWith(from + "/", StringComparison.Ordinal)).ToList())
            {
                _entries[to + path[from.Length..]] = _entries[path];
                _entries.Remove(path);
            }

            CheckListing(to);
        }

        private string NewPath(int step) => $"{(random.Next(3) == 0 ? "" : Pick(FileKind.Directory))}/n{step}";

        private string? Pick(FileKind kind)
        {
            var paths = _entries.Where(entry => entry.Value.Kind == kind).Select(entry => entry.Key).ToList();
            return paths.Count == 0 ? null : paths[random.Next(paths.Count)];
        }

        private FakeFile Find(string path)
        {
            var at = view.Root;
            foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                at = at.Children[name];
            }

            return at;
        }
    }
}
