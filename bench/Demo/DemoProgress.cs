using System.Diagnostics;
using System.Globalization;

namespace OrleansCache.Demo;

/// <summary>Where the demo tells how far it is.</summary>
internal interface IDemoProgress
{
    /// <summary>One line.</summary>
    void Say(string line);

    /// <summary>A pass over so many bytes begins.</summary>
    IPassProgress Start(string name, long totalBytes);
}

/// <summary>One pass; disposed when it ends.</summary>
internal interface IPassProgress : IDisposable
{
    /// <summary>Bytes read so far. Called from every reader.</summary>
    void Report(long bytes);
}

/// <summary>Progress on standard error: a moving line on a terminal, one line a pass elsewhere.</summary>
internal sealed class StandardErrorProgress : IDemoProgress
{
    /// <inheritdoc/>
    public void Say(string line) => Console.Error.WriteLine(line);

    /// <inheritdoc/>
    public IPassProgress Start(string name, long totalBytes) => new Line(name, totalBytes);

    private sealed class Line(string name, long totalBytes) : IPassProgress
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private long _nextMs;
        private long _bytes;

        public void Report(long bytes)
        {
            _bytes = bytes;
            var due = Interlocked.Read(ref _nextMs);
            if (Console.IsErrorRedirected || _clock.ElapsedMilliseconds < due
                || Interlocked.CompareExchange(ref _nextMs, _clock.ElapsedMilliseconds + 200, due) != due)
            {
                return;
            }

            Console.Error.Write($"\r{Text()}   ");
        }

        public void Dispose() => Console.Error.WriteLine(Console.IsErrorRedirected ? Text() : $"\r{Text()}   ");

        private string Text() => string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-24} {100.0 * _bytes / Math.Max(1, totalBytes),5:F1} %  {_bytes >> 20,6} MiB  {_clock.Elapsed.TotalSeconds,5:F1} s");
    }
}
