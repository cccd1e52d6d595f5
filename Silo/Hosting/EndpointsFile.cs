using System.Text.Json;
using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Hosting;

/// <summary>
/// <c>endpoints.json</c> in the data directory: where a running silo listens, for scripts that let it choose its ports. It is
/// there from ready to stop; after a crash the pid in it is of no living silo.
/// </summary>
internal static class EndpointsFile
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "endpoints.json";

    /// <summary>Writes it.</summary>
    public static void Write(string dataDirectory, SiloSettings settings, string? socketPath)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("silo", settings.Name);
            json.WriteNumber("pid", Environment.ProcessId);
            json.WriteString("listen", settings.Listen.ToString());
            json.WriteNumber("silo_port", settings.SiloPort);
            json.WriteNumber("gateway_port", settings.GatewayPort);
            json.WriteNumber("data_port", settings.DataPort);
            json.WriteNumber("http_port", settings.HttpPort);
            json.WriteString("cluster", $"{settings.Listen}:{settings.GatewayPort}");
            json.WriteString("socket", socketPath);
            json.WriteEndObject();
        }

        DurableFile.Write(Path.Combine(dataDirectory, FileName), buffer.ToArray());
    }

    /// <summary>Takes it away.</summary>
    public static void Delete(string dataDirectory) => File.Delete(Path.Combine(dataDirectory, FileName));
}
