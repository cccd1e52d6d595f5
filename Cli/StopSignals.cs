using System.Globalization;
using System.Runtime.InteropServices;

namespace OrleansCache.Cli;

/// <summary>SIGINT, SIGTERM and, unless it is ignored (nohup), SIGHUP ask the command to end; a second one ends the process without asking.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignals() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        .. IsHangUpIgnored()
            ? Array.Empty<PosixSignalRegistration>()
            : [PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal)],
    ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
    }

    // A terminal that goes away must not leave a dead mount; one that was told to go on does.
    private static bool IsHangUpIgnored()
    {
        const string Row = "SigIgn:\t";
        var ignored = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Row, StringComparison.Ordinal));
        return ignored is not null
            && ulong.TryParse(ignored.AsSpan(Row.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var mask)
            && (mask & 1) != 0;
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (!_stop.IsCancellationRequested)
        {
            context.Cancel = true;
            _stop.Cancel();
        }
    }
}
