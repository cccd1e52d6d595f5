namespace Orleans.Serialization;

/// <summary>How a tagged value is laid out, so that a reader that does not know its id can skip it.</summary>
internal enum WireType : byte
{
    /// <summary>Base-128 number; signed ones are zigzag.</summary>
    Varint = 0,
    /// <summary>Four bytes, little endian.</summary>
    Fixed32 = 1,
    /// <summary>Eight bytes, little endian.</summary>
    Fixed64 = 2,
    /// <summary>Sixteen bytes, little endian.</summary>
    Fixed128 = 3,
    /// <summary>Varint length, then bytes.</summary>
    Bytes = 4,
    /// <summary>Four-byte length, then bytes: written before its length is known.</summary>
    Block = 5,
    /// <summary>Nothing follows: the value is null.</summary>
    Null = 6,
    /// <summary>Nothing follows: the members of one class in the hierarchy end here.</summary>
    End = 7,
}
