using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Files;
using Spectre.Console;

namespace OrleansCache.Cli.Output;

/// <summary>
/// Standard output as bytes: unlike the console's stream it says when the reader has gone, and names keep the bytes they have.
/// </summary>
internal sealed class StandardOutput
{
    // Behind a pipe there is no width: tables must not be cut to 80 columns.
    private const int WidthWithoutTerminal = 250;

    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly SafeFileHandle Descriptor = new(1, ownsHandle: false);

    /// <summary>The raw stream.</summary>
    public Stream Stream { get; } = new DescriptorStream(Descriptor);

    /// <summary>Whether a person looks at it.</summary>
    public static bool IsTerminal => !Console.IsOutputRedirected;

    /// <summary>Writes one JSON document and a line end.</summary>
    public void WriteJson(Action<Utf8JsonWriter> write)
    {
        using var buffered = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffered, JsonOptions))
        {
            write(writer);
        }

        buffered.WriteByte((byte)'\n');
        Stream.Write(buffered.GetBuffer().AsSpan(0, (int)buffered.Length));
    }

    /// <summary>A writer for a document that may be long; the caller flushes and disposes it, then calls <see cref="EndLine"/>.</summary>
    public Utf8JsonWriter OpenJson() => new(new BufferedStream(Stream, 64 * 1024), JsonOptions);

    /// <summary>Ends a line.</summary>
    public void EndLine() => Stream.Write("\n"u8);

    /// <summary>Writes a line of text.</summary>
    public void WriteLine(string text) => Stream.Write(Encoding.UTF8.GetBytes(text + "\n"));

    /// <summary>A name as its bytes are; on a terminal control characters become question marks.</summary>
    public static byte[] NameBytes(string name)
    {
        var shown = IsTerminal ? new string([.. name.Select(one => char.IsControl(one) ? '?' : one)]) : name;
        return EntryName.ToBytes(shown);
    }

    /// <summary>Writes a table.</summary>
    public static void Write(Spectre.Console.Rendering.IRenderable table)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        if (!IsTerminal)
        {
            console.Profile.Width = WidthWithoutTerminal;
        }

        console.Write(table);
    }

    /// <summary>A plain table with these columns; names that end in a hash sign hold numbers.</summary>
    public static Table NewTable(params string[] columns)
    {
        var table = new Table().Border(TableBorder.None);
        foreach (var column in columns)
        {
            var made = new TableColumn($"[bold]{Markup.Escape(column.TrimEnd('#'))}[/]").NoWrap();
            table.AddColumn(column.EndsWith('#') ? made.RightAligned() : made);
        }

        return table;
    }
}
