namespace Orleans.Serialization;

/// <summary>Writes, reads and copies values of one type. Stateless and thread safe once built.</summary>
internal abstract class Codec
{
    public abstract WireType Wire { get; }
    /// <summary>Whether a copy is the value itself, because nobody can change it.</summary>
    public virtual bool IsImmutable => false;
    public abstract void WriteObject(WireWriter writer, object value);
    public abstract object? ReadObject(WireReader reader);
    public abstract object? CopyObject(object value);
}

/// <inheritdoc/>
internal abstract class Codec<T> : Codec
{
    /// <summary>Writes a value that is not null.</summary>
    public abstract void Write(WireWriter writer, T value);
    public abstract T Read(WireReader reader);
    /// <summary>A deep copy of a value that is not null.</summary>
    public virtual T Copy(T value) => value;
    public override void WriteObject(WireWriter writer, object value) => Write(writer, (T)value);
    public override object? ReadObject(WireReader reader) => Read(reader);
    public override object? CopyObject(object value) => Copy((T)value);

    /// <summary>Writes a value without a tag; a null is one byte.</summary>
    public void WriteElement(WireWriter writer, T value)
    {
        if (default(T) is null)
        {
            writer.Byte(value is null ? (byte)0 : (byte)1);
            if (value is null)
            {
                return;
            }
        }

        Write(writer, value);
    }

    public T ReadElement(WireReader reader) => default(T) is null && reader.Byte() == 0 ? default! : Read(reader);
    public T CopyElement(T value) => value is null ? value : Copy(value);
}

/// <summary>A codec made of two delegates, for values that nobody can change.</summary>
internal sealed class ValueCodec<T>(WireType wire, Action<WireWriter, T> write, Func<WireReader, T> read) : Codec<T>
{
    public override WireType Wire => wire;
    public override bool IsImmutable => true;
    public override void Write(WireWriter writer, T value) => write(writer, value);
    public override T Read(WireReader reader) => read(reader);
}
