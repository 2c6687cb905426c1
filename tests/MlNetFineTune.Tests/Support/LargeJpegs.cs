using SkiaSharp;

namespace MlNetFineTune.Tests.Support;

/// <summary>Photos that a network of 32 pixels decodes at a fraction of their size.</summary>
internal static class LargeJpegs
{
    /// <returns>Twelve photos, with paths relative to the folder.</returns>
    public static (string Folder, Photo[] Photos) Draw()
    {
        var folder = SmallPictures.NewFolder();
        var photos = new Photo[12];
        for (var i = 0; i < photos.Length; i++)
        {
            var (width, height) = (400 + 8 * i, 300 + 24 * (i % 3));
            photos[i] = new Photo { Label = SmallPictures.Classes[i % 3], ImagePath = $"{i}.jpg" };
            File.WriteAllBytes(
                Path.Combine(folder, photos[i].ImagePath),
                FormulaPicture.Encode(FormulaPicture.Pixels(width, height), width, height, SKEncodedImageFormat.Jpeg, 90));
        }
        return (folder, photos);
    }
}
