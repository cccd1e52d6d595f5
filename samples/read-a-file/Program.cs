// Writes a file of the cache to standard output and its SHA-256 to standard error.
//     OCACHE_CLUSTER=127.0.0.1:30000 dotnet run --project samples/read-a-file /data/file > copy
using System.Security.Cryptography;
using OrleansCache;

if (args is not [var path])
{
    Console.Error.WriteLine("usage: read-a-file PATH");
    return 2;
}

try
{
    var cluster = Environment.GetEnvironmentVariable("OCACHE_CLUSTER") ?? "127.0.0.1:30000";
    await using var client = await CacheClient.ConnectAsync(new CacheClientOptions { Cluster = cluster });
    await using var file = await client.OpenReadAsync(path);

    // An open file is a stream: whatever takes a stream takes it.
    using var hash = SHA256.Create();
    await using var output = Console.OpenStandardOutput();
    await using var hashing = new CryptoStream(output, hash, CryptoStreamMode.Write, leaveOpen: true);
    await file.CopyToAsync(hashing);
    await hashing.FlushFinalBlockAsync();

    Console.Error.WriteLine($"{Convert.ToHexStringLower(hash.Hash!)}  {file.Entry.Path}, version {file.Entry.Version}");
    return 0;
}
catch (CacheClientException error)
{
    Console.Error.WriteLine($"{error.Message}; {error.Advice}");
    return 1;
}
