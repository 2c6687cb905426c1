using System.Security.Cryptography;
using Microsoft.ML;
using SkiaSharp;

namespace MlNetFineTune.Tests.Support;

/// <summary>A picture whose class is the colour of one disc in it, and where that is.</summary>
public sealed class EvidencePhoto
{
    public string Label { get; set; } = "";

    public string ImagePath { get; set; } = "";

    /// <summary>Middle of the disc, in pixels from the left.</summary>
    public float X { get; set; }

    /// <summary>The same from the top.</summary>
    public float Y { get; set; }

    public float Radius { get; set; }
}

/// <summary>
/// Pictures of 64 pixels: grey noise, some grey rectangles that say nothing, and a disc whose colour is the class. Whatever a network
/// learns of them, the evidence is the disc.
/// </summary>
internal static class EvidencePictures
{
    public const int Side = 64;

    public static readonly string[] Classes = ["red", "green", "blue"];

    private static readonly Lazy<string> s_folder = new(SmallPictures.NewFolder);

    /// <summary>Classes in turn. Pictures from <paramref name="skip"/> on are others than the first.</summary>
    public static EvidencePhoto[] Take(int count, int skip = 0) => [.. Enumerable.Range(skip, count).Select(i => Of(i, [i % 3])[0])];

    /// <summary>Pictures of two discs: the first one's class is the label's, the second one's the next. One row for each disc, side by side
    /// with the other.</summary>
    public static (EvidencePhoto First, EvidencePhoto Second)[] TakePairs(int count, int skip) =>
        [.. Enumerable.Range(skip, count).Select(i => Of(i, [i % 3, (i + 1) % 3])).Select(both => (both[0], both[1]))];

    /// <summary>With a key for the label, the same whatever the data hold.</summary>
    public static IDataView View(MLContext ml, IEnumerable<EvidencePhoto> photos)
    {
        var view = ml.Data.LoadFromEnumerable(photos.ToArray());
        var names = ml.Data.LoadFromEnumerable(Classes.Select(name => new Name { Text = name }));
        return ml.Transforms.Conversion.MapValueToKey("Label", keyData: names).Fit(view).Transform(view);
    }

    private static EvidencePhoto[] Of(int index, int[] classes)
    {
        var path = Path.Combine(s_folder.Value, $"{index}-{string.Join('-', classes)}.png");
        // Random's numbers of neighbouring seeds are alike, and so would neighbouring pictures be.
        var random = new Random(BitConverter.ToInt32(SHA256.HashData(BitConverter.GetBytes(index))));
        using var bitmap = new SKBitmap(Side, Side);
        for (var i = 0; i < Side * Side; i++)
        {
            var grey = (byte)random.Next(80, 150);
            bitmap.SetPixel(i % Side, i / Side, new SKColor(grey, grey, grey));
        }
        using var canvas = new SKCanvas(bitmap);
        for (var n = 0; n < 4; n++)
        {
            var grey = (byte)random.Next(20, 230);
            using var paint = new SKPaint { Color = new SKColor(grey, grey, grey) };
            canvas.DrawRect(random.Next(Side - 8), random.Next(Side - 8), random.Next(6, 16), random.Next(6, 16), paint);
        }
        var photos = new List<EvidencePhoto>();
        foreach (var kind in classes)
        {
            var radius = random.Next(7, 10);
            int x, y;
            do
                (x, y) = (random.Next(radius, Side - radius), random.Next(radius, Side - radius));
            while (photos.Exists(other => Math.Pow(other.X - x, 2) + Math.Pow(other.Y - y, 2) < 26 * 26));
            byte Light(int channel) => (byte)(channel == kind ? random.Next(170, 255) : random.Next(20, 90));
            using var paint = new SKPaint { Color = new SKColor(Light(0), Light(1), Light(2)), IsAntialias = true };
            canvas.DrawCircle(x, y, radius, paint);
            photos.Add(new EvidencePhoto { Label = Classes[kind], ImagePath = path, X = x, Y = y, Radius = radius });
        }
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(path, data.ToArray());
        return [.. photos];
    }

    private sealed class Name
    {
        public string Text { get; set; } = "";
    }
}
