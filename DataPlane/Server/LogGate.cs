namespace OrleansCache.DataPlane.Server;

/// <summary>Lets one event in five seconds pass and counts the others.</summary>
internal sealed class LogGate(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private readonly Lock _lock = new();
    private long _last;
    private bool _passed;
    private long _leftOut;

    public bool TryPass(out long leftOut)
    {
        lock (_lock)
        {
            if (_passed && time.GetElapsedTime(_last) < Interval)
            {
                _leftOut++;
                leftOut = 0;
                return false;
            }

            _passed = true;
            _last = time.GetTimestamp();
            leftOut = _leftOut;
            _leftOut = 0;
            return true;
        }
    }
}
