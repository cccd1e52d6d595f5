using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>Serialization outside of calls, for instance to measure a value in a call filter.</summary>
public sealed class Serializer
{
    private readonly CodecProvider _codecs;

    internal Serializer(CodecProvider codecs) => _codecs = codecs;

    /// <summary>
    /// The value as bytes. As an <see cref="object"/>, a value whose type has no wire name of its own (a list, say) is
    /// written by its run-time type: good for measuring, not for reading back.
    /// </summary>
    public byte[] SerializeToArray<T>(T value)
    {
        var writer = WireWriter.Rent();
        try
        {
            if (typeof(T) == typeof(object) && value is not null)
            {
                WriteByRunTimeType(writer, value);
            }
            else
            {
                _codecs.Get<T>().WriteElement(writer, value);
            }

            return writer.Written.ToArray();
        }
        finally
        {
            WireWriter.Return(writer);
        }
    }

    /// <summary>The value from bytes of <see cref="SerializeToArray"/>.</summary>
    public T Deserialize<T>(ReadOnlyMemory<byte> buffer)
    {
        var reader = new WireReader();
        reader.Reset(buffer.ToArray(), 0, buffer.Length);
        return _codecs.Get<T>().ReadElement(reader);
    }

    private void WriteByRunTimeType(WireWriter writer, object value)
    {
        if (value is GrainReference reference)
        {
            writer.String(reference.GrainId.ToString());
        }
        else if (_codecs.Names.TryGetType(TypeNames.Of(value.GetType()), out _))
        {
            _codecs.Get<object>().WriteElement(writer, value);
        }
        else
        {
            _codecs.Get(value.GetType()).WriteObject(writer, value);
        }
    }
}
