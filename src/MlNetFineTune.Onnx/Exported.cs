using Microsoft.ML;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Onnx;

/// <summary>Finds what is to be exported.</summary>
internal static class Exported
{
    /// <param name="model">A fine-tuned network, or a chain with one.</param>
    /// <exception cref="ArgumentException">There is none in it, or more than one.</exception>
    /// <exception cref="NotSupportedException">It cannot be exported; the message says why, and what to do.</exception>
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

    /// <summary>Lends the network, and gives it back undisturbed.</summary>
    public static void Read(FineTuningTransformer model, Action<FineTunedNetwork> action) => model.Scorer.Read(action);

    private static IEnumerable<FineTuningTransformer> In(ITransformer model) => model switch
    {
        FineTuningTransformer transformer => [transformer],
        IEnumerable<ITransformer> chain => chain.SelectMany(In),
        _ => [],
    };
}
