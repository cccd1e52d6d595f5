namespace Orleans.Runtime.Messaging;

/// <summary>The first frame of a client: which cluster and service it means.</summary>
internal readonly record struct Hello(string Cluster, string Service)
{
    private const uint ClusterField = 1;
    private const uint ServiceField = 2;

    public static Hello Of(ClusterOptions options) => new(Frames.EnginePrefix + options.ClusterId, options.ServiceId);

    public void Write(WireWriter writer)
    {
        var start = Frames.Begin(writer, FrameKind.Hello);
        writer.Fixed32(Frames.Magic);
        writer.Tag(ClusterField, WireType.Bytes);
        writer.String(Cluster);
        writer.Tag(ServiceField, WireType.Bytes);
        writer.String(Service);
        writer.EndBlock(start);
    }

    public static Hello Read(WireReader reader)
    {
        if (reader.Fixed32() != Frames.Magic)
        {
            throw new BadPeerException("It does not speak this protocol: its first frame is no hello.");
        }

        string cluster = string.Empty, service = string.Empty;
        while (!reader.AtEnd)
        {
            switch (reader.Tag())
            {
                case (ClusterField, WireType.Bytes): cluster = reader.String(); break;
                case (ServiceField, WireType.Bytes): service = reader.String(); break;
                case var (_, wire): reader.Skip(wire); break;
            }
        }

        return new Hello(cluster, service);
    }
}

/// <summary>The gateway's answer: who it is, what it hosts, how often it wants to hear from the client.</summary>
internal sealed record Welcome(
    SiloAddress Silo, TimeSpan DropTimeout, IReadOnlyList<KeyValuePair<string, GrainType>> GrainTypes)
{
    private const uint SiloField = 1;
    private const uint DropTimeoutField = 2;
    private const uint GrainTypeField = 3;

    public void Write(WireWriter writer)
    {
        var start = Frames.Begin(writer, FrameKind.Welcome);
        writer.Tag(SiloField, WireType.Bytes);
        writer.String(Silo.ToParsableString());
        writer.Tag(DropTimeoutField, WireType.Varint);
        writer.Varint((ulong)DropTimeout.TotalMilliseconds);
        foreach (var (name, type) in GrainTypes)
        {
            writer.Tag(GrainTypeField, WireType.Block);
            var block = writer.BeginBlock();
            writer.String(name);
            writer.Bytes(type.Value.AsSpan());
            writer.EndBlock(block);
        }

        writer.EndBlock(start);
    }

    public static Welcome Read(WireReader reader)
    {
        var silo = SiloAddress.Zero;
        var drop = TimeSpan.FromMinutes(1);
        var types = new List<KeyValuePair<string, GrainType>>();
        while (!reader.AtEnd)
        {
            switch (reader.Tag())
            {
                case (SiloField, WireType.Bytes): silo = SiloAddress.FromParsableString(reader.String()); break;
                case (DropTimeoutField, WireType.Varint): drop = TimeSpan.FromMilliseconds(reader.Varint()); break;
                case (GrainTypeField, WireType.Block):
                    var outer = reader.BeginBlock();
                    types.Add(new(reader.String(), new GrainType(new IdSpan(reader.Bytes().ToArray()))));
                    reader.EndBlock(outer);
                    break;
                case var (_, wire): reader.Skip(wire); break;
            }
        }

        return new Welcome(silo, drop, types);
    }
}
