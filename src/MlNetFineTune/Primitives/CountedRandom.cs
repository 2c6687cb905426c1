namespace MlNetFineTune.Primitives;

/// <summary>
/// Counter-based random numbers: Philox-4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") turns a key
/// (the seed) and a counter (purpose, epoch, row, block) into four 32-bit numbers. The numbers of a sample therefore depend neither
/// on the worker nor on the order of requests.
/// </summary>
internal struct CountedRandom
{
    // Of Philox-4x32: the multipliers of a round, and the steps of the key from round to round.
    internal const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57, Step0 = 0x9E3779B9, Step1 = 0xBB67AE85;

    private readonly uint _key0;
    private readonly uint _key1;
    private readonly uint _ordinal;
    private readonly uint _epoch;
    private readonly uint _stream;
    private uint _block;
    private uint _word0;
    private uint _word1;
    private uint _word2;
    private uint _word3;
    private int _left;

    public CountedRandom(long seed, RandomStream stream, int epoch, int ordinal)
    {
        _key0 = (uint)seed;
        _key1 = (uint)(seed >> 32);
        _stream = stream.Id;
        _epoch = (uint)epoch;
        _ordinal = (uint)ordinal;
    }

    public uint NextUInt32()
    {
        if (_left == 0)
        {
            (_word0, _word1, _word2, _word3) = Philox(_block++, _ordinal, _epoch, _stream, _key0, _key1);
            _left = 4;
        }
        return _left-- switch { 4 => _word0, 3 => _word1, 2 => _word2, _ => _word3 };
    }

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble()
    {
        ulong high = NextUInt32();
        return ((high << 32 | NextUInt32()) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>Uniform in [minimum, maximum).</summary>
    public double NextDouble(double minimum, double maximum) => minimum + (maximum - minimum) * NextDouble();

    /// <summary>Uniform in [0, bound), without bias (Lemire 2019, https://arxiv.org/abs/1805.10941).</summary>
    public int NextInt(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        var product = (ulong)NextUInt32() * (uint)bound;
        if ((uint)product < (uint)bound)
        {
            var threshold = (uint)-bound % (uint)bound;
            while ((uint)product < threshold)
                product = (ulong)NextUInt32() * (uint)bound;
        }
        return (int)(product >> 32);
    }

    /// <summary>Standard normal (Box and Muller 1958).</summary>
    public double NextNormal() => Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    /// <summary>Fisher-Yates.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = NextInt(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    internal static (uint, uint, uint, uint) Philox(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (var round = 0; round < 10; round++)
        {
            var p0 = (ulong)Multiplier0 * c0;
            var p1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += Step0;
            k1 += Step1;
        }
        return (c0, c1, c2, c3);
    }
}
