using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Transforms;

/// <summary>Columns of explanations: the picture with heat, and the map.</summary>
/// <param name="Host">Host of the transformer.</param>
/// <param name="Transformer">The transformer that computes the columns.</param>
/// <param name="Columns">The added columns.</param>
/// <param name="Explainer">Computes the maps.</param>
internal sealed record ExplanationScoring(IHost Host, ITransformer Transformer, ScoreColumns Columns, PictureExplainer Explainer)
    : RowScoring(Host, Transformer, Explainer.Inputs, Columns, Explainer)
{
    public override string OnnxRefusal =>
        "ConvertToOnnx cannot write explanations, which need gradients: leave ExplainImages out of the chain that is converted.";

    public override string DataName => "Explained data";

    public override int BatchSize => Explainer.BatchSize;

    public override EncodedBatch CreateBatch(DataViewRow row, int capacity, Func<int, bool> isActive) =>
        Explainer.CreateBatch(Host, row, capacity, draws: isActive(HeatMapColumns.Picture));

    // The heat is drawn when the picture is requested. The pixels of an image column would have to be copied for two batches.
    public override bool MayLookAhead(DataViewSchema input, Func<int, bool> isActive) =>
        !(isActive(HeatMapColumns.Picture) && input[Explainer.Pictures.Column].Type is ImageDataViewType);
}
