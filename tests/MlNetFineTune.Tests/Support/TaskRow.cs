using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Tests.Support;

/// <summary>A row with a label for each task, for pictures and for a module of one number.</summary>
public sealed class TaskRow
{
    public string ImagePath { get; set; } = "";

    /// <summary>What a module reads: -1 to 1.</summary>
    public float Weight { get; set; }

    public bool Yes { get; set; }

    /// <summary>NaN where it is missing.</summary>
    public float Number { get; set; }

    /// <summary>"small", "medium" or "large"; empty where it is missing.</summary>
    public string Grade { get; set; } = "";

    public bool Rare { get; set; }

    public bool Common { get; set; }

    public static readonly string[] Grades = ["small", "medium", "large"];

    public static readonly string[] Tasks = ["Multiclass", "Binary", "Regression", "Ordinal", "MultiLabel", "Several"];

    /// <summary>Labels that follow from the weight.</summary>
    public static TaskRow[] Many(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Of((float)(2 * random.NextDouble() - 1)))];
    }

    /// <summary>Rows that look all the same: one yes for six no; 4 : 2 : 1 small, medium and large; one rare tag for five common ones, and
    /// one row without. Nothing can be learnt of them but how often each label comes.</summary>
    public static TaskRow[] Alike(int sevens)
    {
        var path = SmallPictures.PathOf("rings", 0);
        return [.. Enumerable.Range(0, 7 * sevens).Select(i => new TaskRow
        {
            ImagePath = path,
            Yes = i % 7 == 0,
            Number = i % 7,
            Grade = Grades[i % 7 < 4 ? 0 : i % 7 < 6 ? 1 : 2],
            Rare = i % 7 == 0,
            Common = i % 7 is > 0 and < 6,
        })];
    }

    /// <summary>With Grade as a key in the order of <see cref="Grades"/>, and Tags as a vector of Rare and Common.</summary>
    public static IDataView View(MLContext ml, IEnumerable<TaskRow> rows)
    {
        var data = ml.Data.LoadFromEnumerable(rows.ToArray());
        var grades = ml.Data.LoadFromEnumerable(Grades.Select(name => new GradeName { Name = name }));
        return ml.Transforms.Conversion.MapValueToKey("Grade", keyData: grades)
            .Append(ml.Transforms.Concatenate("Tags", "Rare", "Common")).Fit(data).Transform(data);
    }

    /// <summary>The task by its name, with its defaults.</summary>
    public static LearningTask TaskOf(string name) => name switch
    {
        "Multiclass" => LearningTask.Multiclass(),
        "Binary" => LearningTask.Binary(),
        "Regression" => LearningTask.Regression(),
        "Ordinal" => LearningTask.Ordinal(),
        "MultiLabel" => LearningTask.MultiLabel(),
        _ => LearningTask.Several(
            new("Grade", LearningTask.Ordinal()), new("Number", LearningTask.Regression()), new("Yes", LearningTask.Binary()),
            new("Tags", LearningTask.MultiLabel())),
    };

    /// <summary>The label of a task with one.</summary>
    public static string LabelOf(string task) => task switch
    {
        "Binary" => "Yes",
        "Regression" => "Number",
        "MultiLabel" => "Tags",
        _ => "Grade",
    };

    /// <summary>A module of one number.</summary>
    public static ModuleFineTuningOptions Module(string task) => new()
    {
        Factory = new TwoLayersFactory(),
        Inputs = ["Weight"],
        Task = TaskOf(task),
        LabelColumnName = LabelOf(task),
        Epochs = 12,
        LearningRate = 0.05f,
        BatchSize = 16,
        Seed = 1,
    };

    /// <summary>A head on pictures; only it trains.</summary>
    public static ImageFineTuningOptions Images(string task) => SmallTraining.Options with
    {
        Task = TaskOf(task),
        LabelColumnName = LabelOf(task),
        Strategy = Strategy.HeadOnly,
        Epochs = 25,
        LearningRate = 0.05f,
    };

    private static TaskRow Of(float weight) => new()
    {
        ImagePath = "none",
        Weight = weight,
        Yes = weight > 0.3f,
        Number = 100 + 20 * weight,
        Grade = Grades[weight < -0.3f ? 0 : weight < 0.3f ? 1 : 2],
        Rare = weight > 0.6f,
        Common = weight > -0.4f,
    };

    private sealed class GradeName
    {
        public string Name { get; set; } = "";
    }
}

