using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MlNetFineTune.MlNet;

/// <summary>
/// A column of images of any size. ML.NET's rows of a class (<c>CreateEnumerable</c>, <c>PredictionEngine</c>) read images of one known
/// size alone, by <see cref="ImageTypeAttribute"/>, and its attribute without a size throws ("Must be positive"). Registered here, a
/// property of type <see cref="MLImage"/> without attribute is such a column.
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
            // Somebody else has registered images in another way, by which they are read.
        }
        return type;
    }
}
