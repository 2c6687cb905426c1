using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using SkiaSharp;

namespace MlNetFineTune.Tests.Support;

public sealed class Photo
{
    public string Label { get; set; } = "";

    public string ImagePath { get; set; } = "";
}

public sealed class ImageRow
{
    public string Label { get; set; } = "";

    [ImageType(48, 48)]
    public MLImage? Image { get; set; }
}

/// <summary>Three classes that a small network learns in seconds: green dots, blue rings and red stripes at 48 pixels,
/// JPEG and PNG in turn.</summary>
[TestClass]
public sealed class SmallPictures
{
    public const int PerClass = 30;

    public static readonly string[] Classes = ["dots", "rings", "stripes"];

    private static readonly Lazy<string> s_folder = new(Draw);

    /// <summary>The root of a folder-per-class tree.</summary>
    public static string Folder => s_folder.Value;

    /// <summary>Pictures of all classes in turn; those from <paramref name="skip"/> on are others than the first.</summary>
    public static Photo[] Take(int perClass, int skip = 0) =>
    [
        .. from i in Enumerable.Range(skip, perClass)
           from label in Classes
           select new Photo { Label = label, ImagePath = PathOf(label, i) },
    ];

    public static string PathOf(string label, int index) =>
        index < PerClass ? Path.Combine(Folder, label, $"{index:00}{(index % 2 == 0 ? ".png" : ".jpg")}")
            : throw new ArgumentOutOfRangeException(nameof(index));

    public static IDataView View(MLContext ml, IEnumerable<Photo> photos) => ml.Data.LoadFromEnumerable(photos.ToArray());

    /// <summary>A folder that goes when the tests end.</summary>
    public static string NewFolder() => Directory.CreateDirectory(Path.Combine(Root.Value, Guid.NewGuid().ToString("N"))).FullName;

    private static Lazy<string> Root { get; } = new(() => Directory.CreateTempSubdirectory("mlnetfinetune-tests-").FullName);

    [AssemblyCleanup]
    public static void DeleteAll()
    {
        if (Root.IsValueCreated)
            Directory.Delete(Root.Value, recursive: true);
    }

    private static string Draw()
    {
        var root = NewFolder();
        for (var c = 0; c < Classes.Length; c++)
        {
            Directory.CreateDirectory(Path.Combine(root, Classes[c]));
            for (var i = 0; i < PerClass; i++)
                DrawOne(Path.Combine(root, Classes[c], $"{i:00}"), c, new Random(c * 1000 + i), jpeg: i % 2 == 1);
        }
        return root;
    }

    private static void DrawOne(string path, int kind, Random random, bool jpeg)
    {
        using var bitmap = new SKBitmap(48, 48);
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(new SKColor(Byte(150, 255), Byte(150, 255), Byte(150, 255)));
            var color = new SKColor(kind == 2 ? Byte(130, 230) : Byte(0, 70), kind == 0 ? Byte(100, 200) : Byte(0, 70),
                kind == 1 ? Byte(130, 230) : Byte(0, 70));
            using var paint = new SKPaint { Color = color, IsStroke = kind != 0, StrokeWidth = 3, IsAntialias = true };
            for (var n = 0; n < 6; n++)
            {
                var (x, y) = (random.Next(48), random.Next(48));
                if (kind == 2)
                    canvas.DrawLine(0, y, 48, y, paint);
                else
                    canvas.DrawCircle(x, y, kind == 0 ? 4 : 7, paint);
            }
        }
        using var data = bitmap.Encode(jpeg ? SKEncodedImageFormat.Jpeg : SKEncodedImageFormat.Png, 90);
        File.WriteAllBytes(path + (jpeg ? ".jpg" : ".png"), data.ToArray());

        byte Byte(int from, int to) => (byte)random.Next(from, to);
    }
}
