using System.Globalization;
using OrleansCache.LocalCluster;

namespace OrleansCache.Posix.Tests;

/// <summary>Programs that people really run see through the mount what they see in the source.</summary>
public sealed class RealProgramsTests(RealProgramsTests.Dataset dataset) : IClassFixture<RealProgramsTests.Dataset>
{
    private static readonly string[] FioJob =
    [
        "--name=check", "--size=32m", "--bs=64k", "--verify=crc32c", "--verify_state_save=0", "--randrepeat=1", "--minimal",
    ];

    private readonly Stack _stack = dataset.Stack;

    /// <summary>One silo and mount for all of them: nothing here changes what others see.</summary>
    public sealed class Dataset : IAsyncLifetime
    {
        internal Stack Stack { get; private set; } = null!;

        public async Task InitializeAsync() => Stack = await Stack.StartAsync(root =>
        {
            Content.WriteTree(root);
            MakeRepository(Path.Combine(root, "repository"));
            string[] write = [.. FioJob, $"--filename={Path.Combine(root, "fio.dat")}", "--rw=write", "--do_verify=0"];
            Command.RunAsync("fio", write).GetAwaiter().GetResult().Checked("fio write");
        });

        public async Task DisposeAsync() => await Stack.DisposeAsync();
    }

    [Fact]
    public async Task Cp_copies_the_tree_and_diff_finds_no_difference()
    {
        var copy = Path.Combine(_stack.Folder("copy"), "tree");
        (await Command.RunAsync("cp", ["-r", "--no-dereference", _stack.MountFolder, copy])).Checked("cp");
        (await Command.RunAsync("diff", ["-r", "--no-dereference", _stack.Source, copy])).Checked("diff");
    }

    [Fact]
    public async Task Find_shows_the_same_names_types_sizes_modes_times_and_link_targets() =>
        await SameOutput(
            "find", [".", "-printf", "%P|%y|%s|%m|%T@|%l|%U|%G|%n\\n"], ignore: line => line.StartsWith("|d|", StringComparison.Ordinal));

    [Fact]
    public async Task Tar_makes_the_same_archive() =>
        await SameOutput("bash", ["-c", "tar --sort=name -cf - . | sha256sum"]);

    [Fact]
    public async Task Sha256sum_of_every_file_is_the_same() =>
        await SameOutput("bash", ["-c", "find . -type f -print0 | sort -z | xargs -0 sha256sum"]);

    [Fact]
    public async Task Grep_finds_the_same_lines() => await SameOutput("bash", ["-c", "grep -r --include=*.txt 'needle 1999' . | sort"]);

    [Fact]
    public async Task Ls_in_a_locale_with_other_letters_lists_the_same() =>
        await SameOutput("bash", ["-c", "LC_ALL=C.UTF-8 ls -lR | grep -v ^total"]);

    [Fact]
    public async Task Python_mmap_reads_the_same_bytes()
    {
        const string Script =
            "import mmap,sys,hashlib\n"
            + "f=open(sys.argv[1],'rb')\n"
            + "m=mmap.mmap(f.fileno(),0,prot=mmap.PROT_READ)\n"
            + "print(len(m), m[5_000_000:5_000_016].hex(), m[-7:].hex(), hashlib.sha256(m).hexdigest())\n";
        var expected = await Command.RunAsync("/usr/bin/python3", ["-c", Script, Path.Combine(_stack.Source, "large.bin")]);
        var actual = await Command.RunAsync("/usr/bin/python3", ["-c", Script, _stack.Mounted("large.bin")]);
        Assert.Equal(expected.Checked("python").Output, actual.Checked("python").Output);
    }

    [Fact]
    public async Task Fio_verifies_a_file_it_prepared_in_the_source()
    {
        var verified = await Command.RunAsync(
            "fio", [.. FioJob, $"--filename={_stack.Mounted("fio.dat")}", "--rw=read", "--allow_file_create=0"]);
        Assert.True(verified.ExitCode == 0, verified.Output + verified.Error);
    }

    [Fact]
    public async Task Git_log_and_fsck_work_on_a_repository_in_the_dataset()
    {
        var repository = _stack.Mounted("repository");
        string[] git = ["-c", "safe.directory=*", "-C", repository];
        var log = (await Command.RunAsync("git", [.. git, "log", "--oneline"])).Checked("git log");
        Assert.Equal(20, log.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        (await Command.RunAsync("git", [.. git, "fsck", "--full", "--strict"])).Checked("git fsck");
    }

    [Fact]
    public async Task Extended_attributes_tell_the_version_and_what_is_cached()
    {
        await File.ReadAllBytesAsync(_stack.Mounted("large.bin"));
        const string Script =
            "import os,sys\n"
            + "p=sys.argv[1]\n"
            + "print(sorted(os.listxattr(p)), os.getxattr(p,'user.ocache.cached_percent').decode(), len(os.getxattr(p,'user.ocache.version'))>0)\n";
        var said = "";
        for (var look = 0; look < 100 && !said.Contains(" 100 ", StringComparison.Ordinal); look++)
        {
            // A block counts when its record is durable, a moment after its bytes could be read.
            said = (await Command.RunAsync("/usr/bin/python3", ["-c", Script, _stack.Mounted("large.bin")])).Checked("python").Output;
        }

        Assert.Equal("['user.ocache.cached_percent', 'user.ocache.version'] 100 True\n", said);
    }

    [Fact]
    public async Task Every_attempt_to_write_is_refused_with_EROFS()
    {
        foreach (var attempt in (string[])["touch new", "rm words.txt", "mkdir d", "echo x >> words.txt", "ln -s a b", "chmod 600 empty"])
        {
            var result = await Command.RunAsync("bash", ["-c", attempt], folder: _stack.MountFolder);
            Assert.NotEqual(0, result.ExitCode);
            Assert.Contains("Read-only file system", result.Error, StringComparison.Ordinal);
        }
    }

    private static void MakeRepository(string folder)
    {
        Directory.CreateDirectory(folder);
        const string Script =
            "git init -q . && git config user.email a@b.c && git config user.name n && "
            + "for i in $(seq 20); do head -c $((i*3000)) /dev/urandom | base64 > f$i.txt; git add -A; git commit -qm \"commit $i\"; done";
        Command.RunAsync("bash", ["-c", Script], folder: folder).GetAwaiter().GetResult().Checked("git");
    }

    private async Task SameOutput(string program, string[] arguments, Func<string, bool>? ignore = null)
    {
        var expected = await Command.RunAsync(program, arguments, folder: _stack.Source);
        var actual = await Command.RunAsync(program, arguments, folder: _stack.MountFolder);
        Assert.True(actual.ExitCode == 0, string.Create(CultureInfo.InvariantCulture, $"{program} ended with {actual.ExitCode}: {actual.Error}"));
        Assert.Equal(Lines(expected.Output, ignore), Lines(actual.Output, ignore));
    }

    private static List<string> Lines(string text, Func<string, bool>? ignore) =>
        [.. text.Split('\n').Where(line => ignore?.Invoke(line) != true).Order(StringComparer.Ordinal)];
}
