using Microsoft.ML;

namespace MlNetFineTune.Tests.Support;

/// <summary>A picture with three labels.</summary>
public sealed class SeveralRow
{
    public string ImagePath { get; set; } = "";

    /// <summary>Empty where it is missing.</summary>
    public string Kind { get; set; } = "";

    /// <summary>NaN where it is missing.</summary>
    public float Size { get; set; }

    public bool Red { get; set; }

    /// <summary><see cref="SmallPictures"/>: the kind is the class, the size its number and a little more, and stripes are red.</summary>
    public static SeveralRow[] Take(int perClass, int skip = 0) =>
        [.. SmallPictures.Take(perClass, skip).Select((photo, i) => new SeveralRow
    {
        ImagePath = photo.ImagePath,
        Kind = photo.Label,
        Size = Array.IndexOf(SmallPictures.Classes, photo.Label) + 0.1f * (i % 3),
        Red = photo.Label == "stripes",
    })];

    /// <summary>With a key for the kind, the same whatever the data hold.</summary>
    public static IDataView View(MLContext ml, IEnumerable<SeveralRow> rows)
    {
        var view = ml.Data.LoadFromEnumerable(rows.ToArray());
        var kinds = ml.Data.LoadFromEnumerable(SmallPictures.Classes.Select(name => new KindName { Name = name }));
        return ml.Transforms.Conversion.MapValueToKey("Kind", keyData: kinds).Fit(view).Transform(view);
    }

    /// <summary>A second or two.</summary>
    public static ImageFineTuningOptions Options => SmallTraining.Options with
    {
        Task = LearningTask.Several(
            new TaskHead("Kind", LearningTask.Multiclass()), new TaskHead("Size", LearningTask.Regression(), weight: 0.5f),
            new TaskHead("Red", LearningTask.Binary())),
    };

    private sealed class KindName
    {
        public string Name { get; set; } = "";
    }
}
