using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Server;

/// <summary>The requests that never wait.</summary>
internal sealed partial class ServerConnection
{
    private void OnPresent(in FrameHeader header, ReadOnlySpan<byte> payload) => Answer(header, Present(header.Type, payload));

    private ReadStatus Present(FrameType type, ReadOnlySpan<byte> encoded)
    {
        try
        {
            // What cannot be read may be the capability of a newer release: refused, not a reason to close.
            var status = ReadCapability.TryDecode(encoded, out var capability)
                ? _context.Service.Present(capability!)
                : ReadStatus.CapabilityRefused;
            if (status == ReadStatus.CapabilityRefused)
            {
                _context.Metrics.OnCapabilityRefused();
            }

            return status;
        }
        catch (Exception exception)
        {
            return Fault(type, "the silo threw", exception);
        }
    }

    private void OnLease(in FrameHeader header, FileKey key)
    {
        if ((_agreed & Features.Descriptors) == 0)
        {
            Answer(header, ReadStatus.NotSupported);
            return;
        }

        ReadStatus status;
        ResidencyLease? lease;
        try
        {
            status = _context.Service.TryLease(key, out lease);
        }
        catch (Exception exception)
        {
            Answer(header, Fault(header.Type, "the silo threw", exception));
            return;
        }

        using (lease)
        {
            if (status == ReadStatus.Ok && lease is not null)
            {
                SendLease(header.RequestId, lease);
            }
            else
            {
                Answer(header, status == ReadStatus.Ok ? ReadStatus.Unavailable : status);
            }
        }
    }

    private FrameError OnReport(ReadOnlySpan<byte> payload)
    {
        if (payload.Length == 0 || payload.Length % ReportCodec.EntryBytes != 0)
        {
            return FrameError.Payload;
        }

        for (; payload.Length > 0; payload = payload[ReportCodec.EntryBytes..])
        {
            if (!ReportCodec.TryRead(payload, out var report))
            {
                return FrameError.Payload;
            }

            try
            {
                _context.Service.Report(report);
            }
            catch (Exception exception)
            {
                Fault(FrameType.Report, "the silo threw", exception);
            }
        }

        return FrameError.None;
    }

    private void OnStatus(in FrameHeader header)
    {
        byte[] json;
        try
        {
            json = _context.Service.GetStatus();
        }
        catch (Exception exception)
        {
            Answer(header, Fault(header.Type, "the silo threw", exception));
            return;
        }

        if (json.Length > FrameLimits.MaxStatusBytes)
        {
            Answer(header, Fault(header.Type, "the status is longer than the wire allows", null));
            return;
        }

        if (SendHeader(new FrameHeader(header.Type, FrameFlags.Answer, ReadStatus.Ok, json.Length, header.RequestId)))
        {
            Send(json);
        }
    }

    private void Prefetch(in RangeRequest range)
    {
        try
        {
            _context.Service.Prefetch(range.Key, range.OffsetBytes, range.LengthBytes);
        }
        catch (Exception exception)
        {
            Fault(FrameType.Prefetch, "the silo threw", exception);
        }
    }
}
