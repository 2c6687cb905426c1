using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Scoring;

/// <summary>Columns of the outputs of a network.</summary>
/// <param name="Host">Host of the transformer.</param>
/// <param name="Transformer">The transformer that computes the columns.</param>
/// <param name="Input">Input of the network.</param>
/// <param name="Columns">The added columns.</param>
/// <param name="Network">Scorer of the network.</param>
internal sealed record NetworkScoring(IHost Host, ITransformer Transformer, ModelInput Input, ScoreColumns Columns, NetworkScorer Network)
    : RowScoring(Host, Transformer, Input, Columns, Network)
{
    /// <summary>The alternative to ML.NET's <c>ConvertToOnnx</c>, for the error message.</summary>
    public required string OnnxAdvice { get; init; }

    public override string OnnxRefusal => $"ConvertToOnnx cannot write the network of {Transformer.GetType().Name}. {OnnxAdvice}";

    public override string DataName => "Scored data";

    public override int BatchSize => Math.Max(Input.ScoringBatch(Network.IsOnGpu) / Network.Views.Count, 1);

    public override EncodedBatch CreateBatch(DataViewRow row, int capacity, Func<int, bool> isActive) =>
        new(Input.Read(Host, row, capacity), Network.Views, capacity, Cache);
}
