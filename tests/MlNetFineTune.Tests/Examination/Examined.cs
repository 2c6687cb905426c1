using Microsoft.ML;
using MlNetFineTune.Tests.Support;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Tests.Examination;

/// <summary>Examinations with the small pretrained network of the quick start.</summary>
internal static class Examined
{
    public static ExaminationOptions Options => new()
    {
        Backbone = Backbone.Micro.WithWeights(Path.Combine(Repository.Root, "samples", "QuickStart", "Assets", "micro.safetensors")),
        Seed = 1,
    };

    /// <summary>Pictures without labels.</summary>
    public static DataExamination Pictures(
        IEnumerable<string> train, IEnumerable<string>? test = null, ExaminationOptions? options = null) =>
        Of(train.Select(path => new Photo { ImagePath = path }), test?.Select(path => new Photo { ImagePath = path }),
            (options ?? Options) with { LabelColumnName = null });

    public static DataExamination Of(IEnumerable<Photo> train, IEnumerable<Photo>? test = null, ExaminationOptions? options = null)
    {
        var ml = new MLContext(seed: 1);
        return ml.FineTuning.Examine(
            SmallPictures.View(ml, train), test is null ? null : SmallPictures.View(ml, test), options ?? Options);
    }

    public static Finding[] Of(this DataExamination examination, FindingKind kind) =>
        [.. examination.Findings.Where(finding => finding.Kind == kind)];
}
