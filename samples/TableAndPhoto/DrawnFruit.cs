using System.Buffers.Binary;

namespace TableAndPhoto;

/// <summary>
/// Four kinds of fruit. The photo shows the colour but not the size, the weight indicates the size but not the colour; both are noisy.
/// </summary>
internal static class DrawnFruit
{
    private const int Side = 32;

    // red and small, green and small, red and large, green and large
    private static readonly string[] s_sorts = ["cherry", "grape", "apple", "melon"];

    public static Item[] Draw(string folder, int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i => One(Path.Combine(folder, $"{seed}-{i}.bmp"), i % s_sorts.Length, random))];
    }

    private static Item One(string path, int sort, Random random)
    {
        var (green, large) = (sort % 2 == 1, sort / 2 == 1);
        var hue = (green ? 0.65 : 0.35) + 0.35 * (random.NextDouble() - 0.5);
        File.WriteAllBytes(path, Bitmap((byte)(255 * (1 - hue)), (byte)(255 * hue), 8 + random.Next(8)));
        return new Item
        {
            Label = s_sorts[sort],
            Photo = path,
            Weight = random.Next(10) == 0 ? float.NaN : (large ? 0 : -4) + 4.5f * (float)(random.NextDouble() - 0.5),
            Place = random.Next(10) == 0 ? "" : random.Next(3) == 0 ? "market" : large ? "field" : "tree",
        };
    }

    // A disk on grey background, as an uncompressed 24-bit bitmap.
    private static byte[] Bitmap(byte red, byte green, int radius)
    {
        const int Header = 54;
        var file = new byte[Header + Side * Side * 3];
        (file[0], file[1], file[10], file[14], file[26], file[28]) = ((byte)'B', (byte)'M', Header, 40, 1, 24);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), Side);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), Side);
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                var inside = (x - Side / 2) * (x - Side / 2) + (y - Side / 2) * (y - Side / 2) < radius * radius;
                ReadOnlySpan<byte> pixel = inside ? [40, green, red] : [128, 128, 128];
                pixel.CopyTo(file.AsSpan(Header + (y * Side + x) * 3));
            }
        }
        return file;
    }
}
