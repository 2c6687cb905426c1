using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/explanations.md.</summary>
internal static class ExplanationsPage
{
    public static void Explain(MLContext ml, FineTuningTransformer model, IDataView photos)
    {
        using var explainer = ml.Transforms.ExplainImages(
            "Why", "ImagePath", model, Explanation.GradCam(), mapColumnName: "Map").Fit(photos);

        foreach (var row in ml.Data.CreateEnumerable<Explained>(explainer.Transform(photos), reuseRowObject: false))
        {
            using MLImage picture = row.Why!;
            picture.Save("why.png");
        }
    }

    public static void Save(MLContext ml, FineTuningTransformer model, ImageExplainingTransformer explainer, IDataView photos)
    {
        var chain = new TransformerChain<ITransformer>(model, explainer);
        ml.Model.Save(chain, photos.Schema, "explained.zip");
    }

    internal sealed class Explained
    {
        public MLImage? Why { get; set; } // no ImageType attribute: each picture has its own size
        public float[] Map { get; set; } = []; // [explainer.MapHeight, explainer.MapWidth]
    }
}
