using OrleansCache.Files;

namespace OrleansCache.BlockStore.Packed;

/// <summary>Short numbers for sources, of this run only: an entry has two bytes for its source.</summary>
internal sealed class SourceNumbers
{
    private const int Max = 1 << 16;

    private readonly Lock _gate = new();
    private readonly Dictionary<SourceId, ushort> _numbers = [];
    private readonly List<SourceId> _sources = [];

    /// <summary>The source's number; false if there are too many sources, which then pack nothing.</summary>
    public bool TryNumber(SourceId source, out ushort number)
    {
        lock (_gate)
        {
            if (_numbers.TryGetValue(source, out number))
            {
                return true;
            }

            if (_sources.Count == Max)
            {
                return false;
            }

            number = (ushort)_sources.Count;
            _sources.Add(source);
            _numbers.Add(source, number);
            return true;
        }
    }

    public SourceId Of(ushort number)
    {
        lock (_gate)
        {
            return _sources[number];
        }
    }
}
