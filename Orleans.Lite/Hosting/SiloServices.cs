using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Hosting;

internal static class SiloServices
{
    public static void Add(IServiceCollection services) => services.AddOptions();
}

internal static class ClientServices
{
    public static void Add(IServiceCollection services) => services.AddOptions();
}
