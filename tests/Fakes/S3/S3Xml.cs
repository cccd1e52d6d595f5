using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace OrleansCache.Fakes.S3;

/// <summary>S3's documents, written and read.</summary>
internal static class S3Xml
{
    private static readonly XNamespace Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

    // Keys may hold characters XML cannot: S3 writes them anyway unless asked for encoding-type=url.
    private static readonly XmlWriterSettings Settings = new() { Encoding = new UTF8Encoding(false), CheckCharacters = false };

    public static byte[] Write(string root, params IEnumerable<object?> content) => Bytes(new XElement(Namespace + root, content));

    /// <summary>A document written piece by piece: pages of a thousand keys are worth it.</summary>
    public static byte[] Write(string root, Action<XmlWriter> content)
    {
        using var stream = new MemoryStream();
        using (var writer = XmlWriter.Create(stream, Settings))
        {
            writer.WriteStartElement(root, Namespace.NamespaceName);
            content(writer);
        }

        return stream.ToArray();
    }

    /// <summary>One element with a text; nothing for null.</summary>
    public static void Write(XmlWriter writer, string name, string? value)
    {
        if (value is not null)
        {
            writer.WriteElementString(name, Clean(value));
        }
    }

    public static byte[] Error(S3Failure failure, string resource) => Bytes(new XElement(
        "Error", new XElement("Code", failure.Code), new XElement("Message", failure.Message),
        new XElement("Resource", Clean(resource)), new XElement("RequestId", "fake")));

    public static XElement Element(string name, params IEnumerable<object?> content) => new(Namespace + name, content);

    public static XElement Element(string name, string value) => new(Namespace + name, Clean(value));

    public static string Date(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Parses a request's document; elements are found by local name.</summary>
    public static XElement Parse(byte[] body)
    {
        try
        {
            return XElement.Load(new MemoryStream(body));
        }
        catch (XmlException)
        {
            throw S3Failure.MalformedXml();
        }
    }

    public static IEnumerable<XElement> Children(XElement element, string name) =>
        element.Elements().Where(child => child.Name.LocalName == name);

    public static string? Value(XElement element, string name) => Children(element, name).FirstOrDefault()?.Value;

    // A lone surrogate (a byte that is not UTF-8) cannot be written at all.
    private static string Clean(string text) =>
        Ascii.IsValid(text) ? text : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static byte[] Bytes(XElement root)
    {
        using var stream = new MemoryStream();
        using (var writer = XmlWriter.Create(stream, Settings))
        {
            root.WriteTo(writer);
        }

        return stream.ToArray();
    }
}
