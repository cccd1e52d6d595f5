using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansCache.Fakes.S3;

/// <summary>A request: its context and what its line says.</summary>
internal sealed class S3Request(HttpContext context, S3Target target)
{
    public HttpContext Context => context;

    public string RawPath => target.RawPath;

    public IReadOnlyList<KeyValuePair<string, string>> Query => target.Query;

    public string Bucket => target.Bucket;

    public string Key => target.Key;

    public S3Operation Operation => target.Operation;

    public static S3Request Parse(HttpContext context, Func<string, bool> isBucket) => new(context, S3Target.Parse(
        context.Request.Method, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
        VirtualHost(context.Request.Host.Host, isBucket), context.Request.Headers.ContainsKey("x-amz-copy-source")));

    /// <summary>A header, or null.</summary>
    public string? Header(string name) => context.Request.Headers.TryGetValue(name, out var value) ? value.ToString() : null;

    /// <summary>A query parameter, or null.</summary>
    public string? Parameter(string name) => target.Parameter(name);

    public string NeedParameter(string name) => Parameter(name) ?? throw S3Failure.InvalidArgument($"{name} is missing");

    private static string? VirtualHost(string host, Func<string, bool> isBucket)
    {
        var dot = host.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && !char.IsAsciiDigit(host[^1]) && isBucket(host[..dot]) ? host[..dot] : null;
    }
}
