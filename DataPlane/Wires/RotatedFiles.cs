namespace OrleansCache.DataPlane.Wires;

/// <summary>
/// What was made of some small files, made again when they have changed. A change that cannot be used leaves what was there and
/// is reported once. Thread-safe; the files are read by whoever asks first after an interval, the others go on with what is there.
/// </summary>
internal sealed class RotatedFiles<T>
    where T : class
{
    private const int MaxFileBytes = 1 << 20;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly string[] _paths;
    private readonly Func<string[], T> _make;
    private readonly Action<string?> _report;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private volatile T _current;
    private string[] _seen;
    private long _looked;

    /// <summary>Reads them for the first time.</summary>
    /// <param name="paths">The files.</param>
    /// <param name="make">Makes it of their texts.</param>
    /// <param name="report">Told of each change: why it cannot be used, or null.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="Exception">What <paramref name="make"/> or reading throws.</exception>
    public RotatedFiles(string[] paths, Func<string[], T> make, Action<string?> report, TimeProvider time)
    {
        (_paths, _make, _report, _time) = (paths, make, report, time);
        _seen = Read();
        _current = make(_seen);
        _looked = time.GetTimestamp();
    }

    /// <summary>The newest that can be used.</summary>
    public T Get()
    {
        if (_time.GetElapsedTime(Volatile.Read(ref _looked)) >= Interval && _gate.TryEnter())
        {
            try
            {
                Look();
            }
            finally
            {
                Volatile.Write(ref _looked, _time.GetTimestamp());
                _gate.Exit();
            }
        }

        return _current;
    }

    private void Look()
    {
        string[] texts;
        try
        {
            texts = Read();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            texts = [exception.Message];
        }

        if (texts.AsSpan().SequenceEqual(_seen))
        {
            return;
        }

        _seen = texts;
        try
        {
            _current = texts.Length == _paths.Length ? _make(texts) : throw new IOException(texts[0]);
            _report(null);
        }
        catch (Exception exception)
        {
            // Whatever is wrong with it, the connections that come must find what was good.
            _report(exception.Message);
        }
    }

    private string[] Read() => Array.ConvertAll(_paths, static path => new FileInfo(path).Length <= MaxFileBytes
        ? File.ReadAllText(path)
        : throw new IOException($"{path} is larger than {MaxFileBytes} bytes"));
}
