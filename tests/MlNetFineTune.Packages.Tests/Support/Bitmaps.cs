using System.Buffers.Binary;

namespace MlNetFineTune.Packages.Tests.Support;

/// <summary>Pictures of two classes, easy to tell apart: stripes across and stripes down, in any colours.</summary>
internal static class Bitmaps
{
    private const int Size = 48;

    public static void Write(string folder, int count, int seed)
    {
        var random = new Random(seed);
        foreach (var (name, across) in ((string, bool)[])[("across", true), ("down", false)])
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
            for (var i = 0; i < count; i++)
                File.WriteAllBytes(Path.Combine(folder, name, $"{i:00}.bmp"), Stripes(across, random));
        }
    }

    // A 24-bit BMP: file header, BITMAPINFOHEADER, rows of blue, green, red. 48 pixels of 3 bytes need no padding.
    private static byte[] Stripes(bool across, Random random)
    {
        const int Header = 54;
        var file = new byte[Header + Size * Size * 3];
        "BM"u8.CopyTo(file);
        Put(2, file.Length);
        Put(10, Header);
        Put(14, 40);
        Put(18, Size);
        Put(22, Size);
        file[26] = 1;
        file[28] = 24;
        Put(34, Size * Size * 3);

        var (light, dark) = (new byte[3], new byte[3]);
        random.NextBytes(light);
        random.NextBytes(dark);
        var (width, shift) = (random.Next(3, 6), random.Next(6));
        for (var y = 0; y < Size; y++)
        {
            for (var x = 0; x < Size; x++)
            {
                var stripe = ((across ? y : x) + shift) / width % 2 == 0;
                for (var c = 0; c < 3; c++)
                    file[Header + (y * Size + x) * 3 + c] = (byte)(stripe ? light[c] | 0x80 : dark[c] & 0x7f);
            }
        }
        return file;

        void Put(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
    }
}
