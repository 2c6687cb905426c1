namespace QuickStart;

/// <summary>
/// Random numbers of one picture: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014), seeded with the picture's coordinates. The same numbers on every machine and runtime.
/// </summary>
internal sealed class Dice
{
    private ulong _state;

    public Dice(params ReadOnlySpan<int> coordinates)
    {
        foreach (int coordinate in coordinates)
        {
            _state = Mix(_state ^ (uint)coordinate);
        }
    }

    /// <summary>Uniform in [0, 1).</summary>
    public float Unit() => (Next() >> 40) * (1f / (1 << 24));

    /// <summary>Uniform in [low, high).</summary>
    public float Between(float low, float high) => low + ((high - low) * Unit());

    /// <summary>Uniform in low..high, both included.</summary>
    public int Whole(int low, int high) => low + (int)(Next() % (ulong)(high - low + 1));

    public bool Chance(float probability) => Unit() < probability;

    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[Whole(0, choices.Length - 1)];

    /// <summary>Approximately normal (mean 0, deviation 1): the normalised sum of four uniform numbers.</summary>
    public float Normal() => (Unit() + Unit() + Unit() + Unit() - 2f) * 1.7320508f;

    public ulong Next() => Mix(_state += 0x9E3779B97F4A7C15);

    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
