namespace OrleansCache.BlockStore.Tiers;

/// <summary>
/// A block that is to be copied to another disk. Its pin keeps the bytes where they are until it is disposed, also when the
/// block is hidden and its gone record written meanwhile. Whoever has this disposes the pin, once.
/// </summary>
/// <param name="Shape">The file version.</param>
/// <param name="Block">Which block.</param>
/// <param name="Crcs">What its bytes must sum up to.</param>
/// <param name="Medium">What it lies on.</param>
/// <param name="Pin">Where to read it.</param>
internal readonly record struct BlockCopy(FileShape Shape, int Block, uint[] Crcs, TierMedium Medium, ReadPin Pin);
