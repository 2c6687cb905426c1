using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MlNetFineTune.MlNet;

/// <summary>
/// A column of images of any size. For row classes (<c>CreateEnumerable</c>, <c>PredictionEngine</c>) ML.NET supports only images of a
/// known size, by <see cref="ImageTypeAttribute"/>; the attribute without a size throws ("Must be positive"). With this registration a
/// property of type <see cref="MLImage"/> without the attribute is a column of images of any size.
/// </summary>
internal static class ImageTypes
{
    public static ImageDataViewType OfAnySize { get; } = Register();

    private static ImageDataViewType Register()
    {
        var type = new ImageDataViewType();
        try
        {
            DataViewTypeManager.Register(type, typeof(MLImage));
        }
        catch (ArgumentException)
        {
            // The application has another registration for images, which is used.
        }
        return type;
    }
}
