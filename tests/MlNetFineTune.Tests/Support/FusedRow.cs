using Microsoft.ML;

namespace MlNetFineTune.Tests.Support;

/// <summary>A picture with a table beside it.</summary>
public sealed class FusedRow
{
    public string Label { get; set; } = "";

    public string ImagePath { get; set; } = "";

    /// <summary>NaN where it is missing.</summary>
    public float Weight { get; set; }

    /// <summary>Empty where it is missing.</summary>
    public string Color { get; set; } = "";

    /// <summary>
    /// <see cref="SmallPictures"/> of dots alone, so that the table decides: the weight is about 100 for dots, 101 for rings and 102 for
    /// stripes, and the colour helps a little. One weight in nine and one colour in seven are missing.
    /// </summary>
    public static FusedRow[] Many(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var kind = i % 3;
            return new FusedRow
            {
                Label = SmallPictures.Classes[kind],
                ImagePath = SmallPictures.PathOf("dots", random.Next(SmallPictures.PerClass)),
                Weight = random.Next(9) == 0 ? float.NaN : 100 + kind + 0.3f * (float)(random.NextDouble() - 0.5),
                Color = random.Next(7) == 0 ? "" : random.Next(2) == 0 ? "grey" : $"color{kind}",
            };
        })];
    }

    /// <summary>With keys for label and colour, the same whatever the data hold.</summary>
    public static IDataView View(MLContext ml, IEnumerable<FusedRow> rows)
    {
        var colors = ml.Data.LoadFromEnumerable(
            new[] { "grey", "color0", "color1", "color2" }.Select(name => new ColorName { Name = name }));
        var view = SmallTraining.WithKeys(ml, ml.Data.LoadFromEnumerable(rows.ToArray()));
        return ml.Transforms.Conversion.MapValueToKey("ColorKey", "Color", keyData: colors).Fit(view).Transform(view);
    }

    /// <summary>A second or two; nothing is frozen.</summary>
    public static ImageFineTuningOptions Options => SmallTraining.Options with { TableColumns = ["Weight", "ColorKey"], TableFeatures = 8 };

    private sealed class ColorName
    {
        public string Name { get; set; } = "";
    }
}
