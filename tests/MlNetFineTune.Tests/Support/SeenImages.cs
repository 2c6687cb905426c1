using System.Runtime.InteropServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.Support;

/// <summary>An image that a cursor gave, copied.</summary>
/// <param name="Row">Number of the row in the source, by its id.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Pixels">Red, green, blue; empty where the image is missing.</param>
internal sealed record SeenImage(ulong Row, int Width, int Height, byte[] Pixels)
{
    public string Text => FormattableString.Invariant($"{Width} x {Height} {Convert.ToHexString(Pixels)}");
}

/// <summary>What cursors show of a column of images.</summary>
internal static class SeenImages
{
    public static SeenImage[] Of(IDataView view, string column = "Image")
    {
        using var cursor = view.GetRowCursor([view.Schema[column]]);
        return Read(cursor, column);
    }

    public static SeenImage[] Read(DataViewRowCursor cursor, string column = "Image")
    {
        var (image, id) = (cursor.GetGetter<MLImage>(cursor.Schema[column]), cursor.GetIdGetter());
        var seen = new List<SeenImage>();
        MLImage? value = null;
        while (cursor.MoveNext())
        {
            image(ref value!);
            DataViewRowId row = default;
            id(ref row);
            seen.Add(value is null ? new(RowIds.NumberOf(row), 0, 0, []) : Copy(RowIds.NumberOf(row), value));
        }
        return [.. seen];
    }

    /// <summary>The texts of images by row.</summary>
    public static SortedDictionary<ulong, string> ByRow(IEnumerable<SeenImage> images) =>
        new(images.ToDictionary(image => image.Row, image => image.Text));

    public static SeenImage Copy(ulong row, MLImage image)
    {
        var source = image.Pixels;
        var blueFirst = image.PixelFormat == MLPixelFormat.Bgra32;
        var pixels = new byte[image.Width * image.Height * 3];
        for (var i = 0; i < pixels.Length / 3; i++)
        {
            for (var channel = 0; channel < 3; channel++)
                pixels[3 * i + channel] = source[4 * i + (blueFirst ? 2 - channel : channel)];
        }
        return new(row, image.Width, image.Height, pixels);
    }
}

/// <summary>An estimator that keeps the view that it was fitted on, and does nothing.</summary>
internal sealed class FittedOn(MLContext ml) : IEstimator<ITransformer>
{
    public IDataView? View { get; private set; }

    public ITransformer Fit(IDataView input)
    {
        View = input;
        return ml.Transforms.CopyColumns("LabelAgain", "Label").Fit(input);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema) =>
        ml.Transforms.CopyColumns("LabelAgain", "Label").GetOutputSchema(inputSchema);
}
