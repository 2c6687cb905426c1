using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>Columns of the outputs of a text network in ONNX Runtime.</summary>
/// <param name="Host">Host of the transformer.</param>
/// <param name="Transformer">The transformer that computes the columns.</param>
/// <param name="Input">Input of the network.</param>
/// <param name="Columns">The added columns.</param>
/// <param name="Scorer">Scorer of the network.</param>
internal sealed record OnnxTextScoring(
    IHost Host, ITransformer Transformer, ModelInput Input, ScoreColumns Columns, IBatchScorer Scorer)
    : RowScoring(Host, Transformer, Input, Columns, Scorer)
{
    public override string OnnxRefusal =>
        "ConvertToOnnx cannot write tokenizer and network of a chain of texts. ml.FineTuning.ExportOnnx(model, path) writes the network of "
        + "the model from which the chain was made.";

    public override string DataName => "Scored texts";

    public override int BatchSize => Input.ScoringBatch(isOnGpu: false);

    public override EncodedBatch CreateBatch(DataViewRow row, int capacity, Func<int, bool> isActive) =>
        new(Input.Read(Host, row, capacity), [Augmentation.None], capacity);
}
