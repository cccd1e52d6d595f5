using System.Globalization;
using OrleansCache.Silo.Tests.Fakes;

namespace OrleansCache.Silo.Tests.Serving;

/// <summary>Many files from a real silo with the client library, over both kinds of socket.</summary>
public sealed class ReadManyEndToEndTests : IDisposable
{
    private const int Files = 300;
    private readonly string _folder = Directory.CreateTempSubdirectory("ocache-many-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Many_files_come_in_order_cold_and_warm_over_the_unix_socket_and_over_tcp()
    {
        var data = MakeFiles();
        using var silo = await RunningSilo.StartAsync(_folder);
        await using (var client = await ConnectAsync(silo))
        {
            await client.AttachAsync(new Uri(data).AbsoluteUri, "/d");
            await CheckAsync(client, data); // cold
            await CheckAsync(client, data);
        }

        var overUnix = await BatchesAsync(silo);
        Assert.True(overUnix > 0, "no batches over the Unix socket");
        File.Delete(Path.Combine(_folder, "data/run/data.sock"));
        await using (var client = await ConnectAsync(silo))
        {
            await CheckAsync(client, data);
        }

        Assert.True(await BatchesAsync(silo) > overUnix, "no batches over TCP");
        Assert.Equal(0, await silo.EndAsync("-TERM"));
    }

    private static Task<CacheClient> ConnectAsync(RunningSilo silo) => CacheClient.ConnectAsync(
        new CacheClientOptions { Cluster = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{silo.Port("gateway")}") });

    private static async Task<long> BatchesAsync(RunningSilo silo)
    {
        using var http = new HttpClient();
        var line = (await http.GetStringAsync(silo.Page("/metrics"))).Split('\n')
            .FirstOrDefault(line => line.StartsWith("ocache_dataplane_requests_total{type=\"ReadBatch\"}", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }

    private static async Task CheckAsync(CacheClient client, string data)
    {
        var names = Enumerable.Range(0, Files).Select(index => $"{index}").ToList();
        names.Insert(150, "none");
        names.Insert(200, "large");
        names.Add("folder");
        var at = 0;
        using var limit = new CancellationTokenSource(RunningSilo.Patience);
        await foreach (var result in client.ReadManyAsync(names.Select(name => $"/d/{name}"), limit.Token))
        {
            using (result)
            {
                var name = names[at++];
                Assert.Equal($"/d/{name}", result.Path);
                if (name is "none" or "folder")
                {
                    Assert.IsType(name == "none" ? typeof(PathNotFoundException) : typeof(WrongKindException), result.Error);
                    continue;
                }

                Assert.Null(result.Error);
                Assert.True(File.ReadAllBytes(Path.Combine(data, name)).AsSpan().SequenceEqual(result.Memory.Span), $"wrong bytes of {name}");
            }
        }

        Assert.Equal(names.Count, at);
    }

    private string MakeFiles()
    {
        var data = Directory.CreateDirectory(Path.Combine(_folder, "source")).FullName;
        Directory.CreateDirectory(Path.Combine(data, "folder"));
        var random = new Random(5);
        for (var index = 0; index < Files; index++)
        {
            Write($"{index}", index % 50 == 7 ? 0 : random.Next(150_000));
        }

        Write("large", 9_000_001);
        return data;

        void Write(string name, int length)
        {
            var content = new byte[length];
            random.NextBytes(content);
            File.WriteAllBytes(Path.Combine(data, name), content);
        }
    }
}
