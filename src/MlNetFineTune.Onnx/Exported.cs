using Microsoft.ML;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Onnx;

/// <summary>Finds the network to export.</summary>
internal static class Exported
{
    /// <param name="model">A fine-tuned network, or a chain with one.</param>
    /// <exception cref="ArgumentException">The model contains no fine-tuned network or more than one.</exception>
    /// <exception cref="NotSupportedException">The network cannot be exported; the message names the reason and an alternative.</exception>
    public static FineTuningTransformer Of(ITransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var found = In(model).ToList();
        if (found.Count != 1)
            throw new ArgumentException($"Expected a model with one fine-tuned network; "
                + $"found {(found.Count == 0 ? $"none in {model.GetType().Name}" : $"{found.Count}: export each for itself")}.",
                nameof(model));
        var classifier = found[0];
        if (classifier.TestTimeAugmentation != TestTimeAugmentation.None)
        {
            throw new NotSupportedException(
                $"The model scores several views of each picture ({classifier.TestTimeAugmentation}), and a network file scores one. "
                + "Export model.WithTestTimeAugmentation(TestTimeAugmentation.None).");
        }
        return classifier;
    }

    /// <summary>Runs an action on the network, which is not disposed meanwhile.</summary>
    public static void Read(FineTuningTransformer model, Action<FineTunedNetwork> action) => model.Scorer.Read(action);

    private static IEnumerable<FineTuningTransformer> In(ITransformer model) => model switch
    {
        FineTuningTransformer transformer => [transformer],
        IEnumerable<ITransformer> chain => chain.SelectMany(In),
        _ => [],
    };
}
