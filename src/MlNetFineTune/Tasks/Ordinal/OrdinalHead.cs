using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The head of an ordinal model, from pooled features to log-probabilities: [N, features] -> [N, classes]. A linear layer to a single
/// score, and thresholds between the classes (<see cref="CumulativeLogits"/>). The softmax of the outputs yields the probabilities, and
/// their cross-entropy is the negative log-likelihood of the model, so that code for the logits of multiclass models applies: scoring,
/// temperature scaling and distillation.
/// </summary>
internal sealed class OrdinalHead : NetworkHead
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Parameter weight;
    internal readonly Parameter thresholds;
#pragma warning restore IDE1006

    // Beyond every score: the softplus of such a negative margin is 0 after rounding. Near the largest number of half precision.
    private const float Beyond = 6e4f;

    /// <param name="features">Number of features per row.</param>
    /// <param name="classes">Number of classes, at least 2.</param>
    public OrdinalHead(int features, int classes)
        : base(nameof(OrdinalHead))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        weight = Parameters.Of(empty(1, features, Parameters.Type)); // no bias: the thresholds take its role
        thresholds = Parameters.Of(empty(classes - 1, Parameters.Type)); // as for CumulativeLogits.Thresholds
        RegisterComponents();
    }

    public int Classes => (int)thresholds.shape[0] + 1;

    public override int Outputs => Classes;

    /// <summary>
    /// PyTorch's default for linear layers, uniform within 1 / sqrt(features); thresholds with which a score of 0 has equal probabilities
    /// of all classes.
    /// </summary>
    public override void Initialize(long seed)
    {
        WeightInitialization.FillUniform(weight, 1 / Math.Sqrt(weight.shape[1]), seed, RandomStream.WeightsOf("head.weight"));
        InitializeThresholds(new double[Classes]);
    }

    public override Tensor forward(Tensor features)
    {
        using var scores = nn.functional.linear(features, weight); // [N, features] -> [N, 1]
        return CumulativeLogits.LogProbabilities(scores, thresholds); // [N, classes]
    }

    /// <summary>
    /// log p[k] = -softplus(s - t[k]) - softplus(t[k - 1] - s) + width[k], with thresholds beyond every score before the first class and
    /// after the last.
    /// </summary>
    public override GraphValue Write(NetworkGraph graph, GraphValue features)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        float[] between = [.. CumulativeLogits.Thresholds(thresholds).cpu().to_type(ScalarType.Float32).data<float>()];
        var score = graph.Add("Gemm", [features, graph.Constant("head.weight", weight)], ("transB", 1L)); // [N, 1]
        var upper = graph.Constant("head.thresholds.upper", [Classes], [.. between, Beyond]);
        var lower = graph.Constant("head.thresholds.lower", [Classes], [-Beyond, .. between]);
        var notAbove = graph.Add("Softplus", [graph.Add("Sub", [score, upper])]); // [N, classes]
        var notBelow = graph.Add("Softplus", [graph.Add("Sub", [lower, score])]); // [N, classes]
        var widths = graph.Constant("head.thresholds.widths", CumulativeLogits.Widths(thresholds));
        return graph.Add("Sub", [graph.Add("Sub", [widths, notAbove]), notBelow]);
    }

    /// <summary>
    /// Sets the thresholds such that the class probabilities at a score of 0 are the class frequencies
    /// (<see cref="CumulativeLogits.ParametersOf"/>): the initial loss is that of predicting the class frequencies.
    /// </summary>
    /// <param name="counts">Total weight of the training rows of each class, in the order of the classes.</param>
    public void InitializeThresholds(IReadOnlyList<double> counts)
    {
        if (counts.Count != Classes)
            throw new ArgumentException($"There are counts of {counts.Count} classes for a head of {Classes}.", nameof(counts));
        using var noGradients = no_grad();
        using var values = tensor(CumulativeLogits.ParametersOf(counts));
        thresholds.copy_(values);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            weight.Dispose();
            thresholds.Dispose();
        }
        base.Dispose(disposing);
    }
}
