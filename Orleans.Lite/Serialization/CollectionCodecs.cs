using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Orleans.Serialization;

/// <summary>An element count and the elements. Arrays grow while reading: a claimed count alone allocates
/// little.</summary>
internal abstract class SequenceCodec<TSequence, TItem>(Codec<TItem> item) : Codec<TSequence>
{
    private const int TrustedCount = 1024;

    public override WireType Wire => WireType.Block;
    protected abstract ReadOnlySpan<TItem> AsSpan(TSequence value);
    protected abstract TSequence Wrap(TItem[] items);

    public override void Write(WireWriter writer, TSequence value)
    {
        var items = AsSpan(value);
        var start = writer.BeginBlock();
        writer.Varint((ulong)items.Length);
        foreach (var each in items)
        {
            item.WriteElement(writer, each);
        }

        writer.EndBlock(start);
    }

    public override TSequence Read(WireReader reader)
    {
        var outer = reader.BeginBlock();
        var count = reader.Count();
        var items = new TItem[Math.Min(count, TrustedCount)];
        for (var i = 0; i < count; i++)
        {
            if (i == items.Length)
            {
                Array.Resize(ref items, Math.Min(count, items.Length * 2));
            }

            items[i] = item.ReadElement(reader);
        }

        reader.EndBlock(outer);
        return Wrap(items);
    }

    public override TSequence Copy(TSequence value)
    {
        var copy = AsSpan(value).ToArray();
        if (!item.IsImmutable)
        {
            for (var i = 0; i < copy.Length; i++)
            {
                copy[i] = item.CopyElement(copy[i]);
            }
        }

        return Wrap(copy);
    }
}

internal sealed class ArrayCodec<T>(Codec<T> item) : SequenceCodec<T[], T>(item)
{
    protected override ReadOnlySpan<T> AsSpan(T[] value) => value;
    protected override T[] Wrap(T[] items) => items;
}

internal sealed class ListCodec<T>(Codec<T> item) : SequenceCodec<List<T>, T>(item)
{
    protected override ReadOnlySpan<T> AsSpan(List<T> value) => CollectionsMarshal.AsSpan(value);
    protected override List<T> Wrap(T[] items) => [.. items];
}

/// <summary>A default array is an empty block, so that it stays a default array.</summary>
internal sealed class ImmutableArrayCodec<T>(Codec<T> item) : Codec<ImmutableArray<T>>
{
    private readonly ArrayCodec<T> _items = new(item);

    public override WireType Wire => WireType.Block;
    public override bool IsImmutable => item.IsImmutable;

    public override void Write(WireWriter writer, ImmutableArray<T> value)
    {
        if (value.IsDefault)
        {
            writer.EndBlock(writer.BeginBlock());
            return;
        }

        _items.Write(writer, ImmutableCollectionsMarshal.AsArray(value)!);
    }

    public override ImmutableArray<T> Read(WireReader reader) =>
        ImmutableCollectionsMarshal.AsImmutableArray(reader.IsEmptyBlock() ? null : _items.Read(reader));

    public override ImmutableArray<T> Copy(ImmutableArray<T> value) => IsImmutable || value.IsDefault ? value
        : ImmutableCollectionsMarshal.AsImmutableArray(_items.Copy(ImmutableCollectionsMarshal.AsArray(value)!));
}

internal sealed class DictionaryCodec<TKey, TValue>(Codec<TKey> key, Codec<TValue> value)
    : Codec<Dictionary<TKey, TValue>>
    where TKey : notnull
{
    public override WireType Wire => WireType.Block;

    public override void Write(WireWriter writer, Dictionary<TKey, TValue> values)
    {
        var start = writer.BeginBlock();
        writer.Varint((ulong)values.Count);
        foreach (var (k, v) in values)
        {
            key.WriteElement(writer, k);
            value.WriteElement(writer, v);
        }

        writer.EndBlock(start);
    }

    public override Dictionary<TKey, TValue> Read(WireReader reader)
    {
        var outer = reader.BeginBlock();
        var result = new Dictionary<TKey, TValue>();
        for (var count = reader.Count(); count > 0; count--)
        {
            var k = key.ReadElement(reader) ?? throw WireReader.Malformed("has a dictionary with a null key");
            result[k] = value.ReadElement(reader);
        }

        reader.EndBlock(outer);
        return result;
    }

    public override Dictionary<TKey, TValue> Copy(Dictionary<TKey, TValue> values) => values.ToDictionary(
        pair => key.CopyElement(pair.Key), pair => value.CopyElement(pair.Value), values.Comparer);
}

internal sealed class NullableCodec<T>(Codec<T> inner) : Codec<T?>
    where T : struct
{
    public override WireType Wire => inner.Wire;
    public override bool IsImmutable => inner.IsImmutable;
    public override void Write(WireWriter writer, T? value) => inner.Write(writer, value!.Value);
    public override T? Read(WireReader reader) => inner.Read(reader);
    public override T? Copy(T? value) => value is { } inside ? inner.Copy(inside) : value;
}

internal sealed class EnumCodec<T> : Codec<T>
    where T : struct, Enum
{
    public override WireType Wire => WireType.Varint;
    public override bool IsImmutable => true;

    public override void Write(WireWriter writer, T value) => writer.ZigZag(Unsafe.SizeOf<T>() switch
    {
        1 => Unsafe.As<T, sbyte>(ref value),
        2 => Unsafe.As<T, short>(ref value),
        4 => Unsafe.As<T, int>(ref value),
        _ => Unsafe.As<T, long>(ref value),
    });

    public override T Read(WireReader reader)
    {
        var value = reader.ZigZag();
        return Unsafe.As<long, T>(ref value);
    }
}
