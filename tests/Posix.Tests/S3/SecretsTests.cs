using System.Text;
using OrleansCache.Fakes.S3;
using OrleansCache.LocalCluster;

namespace OrleansCache.Posix.Tests.S3;

/// <summary>Keys of a store are in the silo's memory and nowhere else.</summary>
public sealed class SecretsTests
{
    [Fact]
    public async Task Secrets_are_in_no_argv_log_status_metric_error_or_file()
    {
        await using var stack = await S3Stack.StartAsync(
            bucket => bucket.PutSynthetic("file", 300_000, 1),
            store: new FakeS3Options { SecretKey = "SECRETsecretSECRETsecretSECRETsecret1234" });
        var secret = stack.Store.SecretKey;
        Assert.NotNull(MountReader.TryRead(stack.Mounted("file")).Bytes);

        var said = new StringBuilder();
        foreach (var command in new[] { "sources", "status" })
        {
            said.Append((await stack.OcacheAsync(command, "--json")).Output).Append((await stack.OcacheAsync(command)).Output);
        }

        // Failures say more than successes: refused keys, a wrong endpoint, secrets offered as options.
        using (stack.Store.Misbehave(new Misbehaviour { Status = 403, Code = "SignatureDoesNotMatch" }))
        {
            await AttachAsync(stack, said, stack.Store.Endpoint.GetLeftPart(UriPartial.Authority));
        }

        await AttachAsync(stack, said, "http://127.0.0.1:1");
        var refused = await stack.OcacheAsync("attach", "s3://other", "/other", "--option", $"secret-key={secret}");
        Assert.Equal(2, refused.ExitCode);
        said.Append(refused.Output).Append(refused.Error);
        var inUri = await stack.OcacheAsync("attach", $"s3://{stack.Store.AccessKey}:{secret}@other", "/other");
        Assert.Equal(2, inUri.ExitCode);
        said.Append(inUri.Output).Append(inUri.Error);

        said.Append(await stack.Silo.GetAsync("/metrics")).Append(stack.Silo.Output);
        said.Append(CommandLineOf(stack.Silo.ProcessId)).Append(CommandLineOf(stack.Mounts[0].ProcessId));
        Assert.DoesNotContain(secret, said.ToString(), StringComparison.Ordinal);

        var found = await Command.RunAsync(
            "grep", ["-rlaF", "--devices=skip", secret, stack.Silo.DataFolder, stack.Silo.TierFolder]);
        Assert.True(found.ExitCode == 1, $"the secret key is in {found.Output} {found.Error}");
        var control = await Command.RunAsync("grep", ["-rlaF", "--devices=skip", S3Stack.Bucket, stack.Silo.DataFolder]);
        Assert.Equal(0, control.ExitCode); // So it would have been found.
    }

    private static async Task AttachAsync(S3Stack stack, StringBuilder said, string endpoint)
    {
        var answer = await stack.OcacheAsync("attach", "s3://other", "/other", "--option", $"endpoint={endpoint}");
        Assert.NotEqual(0, answer.ExitCode);
        Assert.DoesNotContain("   at ", answer.Error, StringComparison.Ordinal);
        said.Append(answer.Output).Append(answer.Error);
    }

    private static string CommandLineOf(int processId) => File.ReadAllText($"/proc/{processId}/cmdline");
}
