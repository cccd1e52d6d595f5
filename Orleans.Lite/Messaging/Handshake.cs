namespace Orleans.Runtime.Messaging;

/// <summary>The first frame of a client: which cluster and service it means.</summary>
internal readonly record struct Hello(string Cluster, string Service)
{
    public static Hello Of(ClusterOptions options) => new(Frames.EnginePrefix + options.ClusterId, options.ServiceId);

    public void Write(WireWriter writer)
    {
        var start = Frames.Begin(writer, FrameKind.Hello);
        writer.Fixed32(Frames.Magic);
        writer.String(Cluster);
        writer.String(Service);
        writer.EndBlock(start);
    }

    public static Hello Read(WireReader reader) => reader.Fixed32() == Frames.Magic
        ? new Hello(reader.String(), reader.String())
        : throw new BadPeerException("It does not speak this protocol: its first frame is no hello.");
}

/// <summary>The gateway's answer: who it is, how often it wants to hear from the client, what it hosts.</summary>
internal sealed record Welcome(SiloAddress Silo, TimeSpan DropTimeout, Dictionary<string, GrainType> GrainTypes)
{
    public void Write(WireWriter writer)
    {
        var start = Frames.Begin(writer, FrameKind.Welcome);
        writer.String(Silo.ToParsableString());
        writer.Varint((ulong)DropTimeout.TotalMilliseconds);
        writer.Varint((ulong)GrainTypes.Count);
        foreach (var (name, type) in GrainTypes)
        {
            writer.String(name);
            writer.String(type.ToString());
        }

        writer.EndBlock(start);
    }

    public static Welcome Read(WireReader reader)
    {
        var silo = SiloAddress.FromParsableString(reader.String());
        var drop = TimeSpan.FromMilliseconds(reader.Varint());
        var types = new Dictionary<string, GrainType>();
        for (var count = reader.Count(); count > 0; count--)
        {
            types[reader.String()] = GrainType.Create(reader.String());
        }

        return new Welcome(silo, drop, types);
    }
}
