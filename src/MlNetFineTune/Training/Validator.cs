using MlNetFineTune.Heads;
using MlNetFineTune.Rows;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Mean cross-entropy and accuracy over all rows of a part, each row counted once.</summary>
internal sealed record Evaluation(double Loss, double Accuracy)
{
    /// <summary>Less loss. On the few dozen rows that validation often has, accuracy moves in steps of whole percents and picks by luck.</summary>
    public bool IsBetterThan(Evaluation? other) => other is null || Loss < other.Loss;
}

/// <summary>Judges the network as it would score: in inference mode, BatchNorm folded.</summary>
internal sealed class Validator(ImageClassifier classifier, int frozenStages, RowSubset subset, StepInputs inputs, int[][] batches, ProgressMeter meter)
{
    /// <returns>Null if <paramref name="stop"/> asked for an end.</returns>
    public Evaluation? Evaluate(int epoch, Action checkAlive, CancellationToken stop)
    {
        classifier.PrepareForScoring();
        meter.Begin(TrainingPhase.Validating, epoch, subset.Rows.Length);
        try
        {
            return Judge(checkAlive, stop);
        }
        finally
        {
            classifier.Backbone.Fold(frozenStages); // what trains must see its weights change
        }
    }

    private Evaluation? Judge(Action checkAlive, CancellationToken stop)
    {
        var backbone = classifier.Backbone;
        var (loss, right, count) = (0.0, 0L, 0);
        foreach (var (activations, rows, _) in inputs.Read(batches, epoch: 0))
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            using (activations)
            {
                checkAlive();
                if (stop.IsCancellationRequested)
                    return null;
                var labels = tensor(subset.LabelsOf(rows), ScalarType.Int64, classifier.Device);
                var logits = classifier.Head.forward(backbone.Forward(activations, frozenStages, backbone.Stages.Count));
                loss += nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.Sum).item<float>();
                right += logits.argmax(1).eq(labels).sum().item<long>();
                count += rows.Length;
            }
            meter.Advance(rows.Length);
        }
        if (count == 0)
            throw new InvalidOperationException($"None of the {subset.Rows.Length} validation pictures could be read.");
        return new Evaluation(loss / count, right / (double)count);
    }
}
