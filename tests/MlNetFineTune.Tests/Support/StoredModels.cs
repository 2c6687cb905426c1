using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Tests.Support;

/// <summary>The models whose files of format 2 are kept in Fixtures: how each was trained, and what it is asked.</summary>
internal static class StoredModels
{
    public const string Multiclass = "multiclass";

    public const string ModuleRegression = "module-regression";

    public const string Several = "several";

    public const string TableAndPhoto = "table-and-photo";

    /// <summary>The folder of the files.</summary>
    public static string Folder { get; } = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures");

    // The channels within the blocks pruned to 8, so that a file has 100 kB.
    private static Backbone Small => SmallTraining.Backbone.Prune(0.95f);

    /// <summary>Trains the model. Caller disposes it.</summary>
    public static FineTuningTransformer Train(MLContext ml, string name) => name switch
    {
        Multiclass => SmallTraining.Fit(ml, SmallTraining.Options with
        {
            Backbone = Small,
            Epochs = 4,
            Validation = ValidationData.Fraction(0.25f),
            Task = LearningTask.Multiclass(calibration: Calibration.Temperature()),
        }, SmallPictures.Take(12)),
        ModuleRegression => ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with
        {
            Factory = new EmbeddedFactory(),
            Inputs = ["Features", "Color"],
            Task = LearningTask.Regression(outputRange: (-2, 3)),
        }).Fit(SmallModules.View(ml, TableRow.Many(80))),
        Several => ml.FineTuning.FineTuneImages(SeveralRow.Options with { Backbone = Small, Epochs = 4 })
            .Fit(SeveralRow.View(ml, SeveralRow.Take(12))),
        TableAndPhoto => ml.MulticlassClassification.Trainers.FineTuneImages(FusedRow.Options with
        {
            Backbone = Small,
            Epochs = 4,
            MissingPictures = MissingPictures.Allow,
        }).Fit(FusedRow.View(ml, FusedRow.Many(36))),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "There is no such model."),
    };

    /// <summary>All numbers that the model gives for fixed rows, one column after another.</summary>
    public static float[] Scores(MLContext ml, ITransformer model, string name)
    {
        var photo = Path.Combine(Folder, "model-v1.png");
        var rows = name switch
        {
            Multiclass => SmallPictures.View(ml, [new Photo { ImagePath = photo }]),
            ModuleRegression => SmallModules.View(ml, TableRow.Many(30, seed: 2)),
            Several => SeveralRow.View(ml, [new SeveralRow { ImagePath = photo }]),
            _ => FusedRow.View(ml,
            [
                new FusedRow { ImagePath = photo, Weight = 101.2f, Color = "color1" },
                new FusedRow { ImagePath = photo, Weight = float.NaN, Color = "" },
                new FusedRow { ImagePath = "", Weight = 99.7f, Color = "grey" },
            ]),
        };
        var scored = model.Transform(rows);
        return [.. scored.Schema.Where(column => column.Name.EndsWith("Score", StringComparison.Ordinal)
            || column.Name.EndsWith("Probability", StringComparison.Ordinal)).SelectMany(column => Numbers(scored, column))];
    }

    private static IEnumerable<float> Numbers(IDataView data, DataViewSchema.Column column) => column.Type is VectorDataViewType
        ? data.GetColumn<float[]>(column).SelectMany(row => row)
        : data.GetColumn<float>(column);
}
