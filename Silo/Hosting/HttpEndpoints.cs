using OrleansCache.Silo.Telemetry;

namespace OrleansCache.Silo.Hosting;

/// <summary>What the HTTP port answers: three pages, GET and HEAD, nothing else.</summary>
internal static class HttpEndpoints
{
    /// <summary>Puts them into the application.</summary>
    public static void Map(WebApplication application, Readiness readiness, Func<MetricsPage?> metrics) =>
        application.Run(context => AnswerAsync(context, readiness, metrics));

    private static Task AnswerAsync(HttpContext context, Readiness readiness, Func<MetricsPage?> metrics)
    {
        var request = context.Request;
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            context.Response.Headers.Allow = "GET, HEAD";
            return WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "only GET\n");
        }

        return request.Path.Value switch
        {
            "/healthz" => WriteAsync(context, StatusCodes.Status200OK, "ok\n"),
            "/readyz" when readiness.Missing is { } missing =>
                WriteAsync(context, StatusCodes.Status503ServiceUnavailable, missing + "\n"),
            "/readyz" => WriteAsync(context, StatusCodes.Status200OK, "ready\n"),
            "/metrics" when metrics() is { } page =>
                WriteAsync(context, StatusCodes.Status200OK, page.Render(), PrometheusText.ContentType),
            "/metrics" => WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "starting\n"),
            _ => WriteAsync(context, StatusCodes.Status404NotFound, "there are /healthz, /readyz and /metrics\n"),
        };
    }

    private static Task WriteAsync(
        HttpContext context, int status, string text, string contentType = "text/plain; charset=utf-8")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        return context.Response.WriteAsync(text, context.RequestAborted);
    }
}
