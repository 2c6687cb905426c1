using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>Selects the explained number of a row's outputs.</summary>
/// <param name="evidence">The numbers that can be explained.</param>
/// <param name="place">Index of the explained number; null for the largest of each row.</param>
internal sealed class ExplainedOutput(Evidence evidence, int? place)
{
    /// <exception cref="ArgumentException">The model has no such class or head.</exception>
    public static ExplainedOutput Of(BoundTask task, Explanation explanation)
    {
        var evidence = task.EvidenceOf(explanation.Head);
        if (explanation.Class is not { } name)
            return new ExplainedOutput(evidence, place: null);
        if (evidence.Names.Count == 0)
        {
            throw new ArgumentException(
                $"The model predicts a number and has no class {SafeText.Quoted(name)}: leave Class out, and what makes the number "
                + "greater is explained.");
        }
        var place = evidence.Names.ToList().IndexOf(name);
        return place >= 0
            ? new ExplainedOutput(evidence, place)
            : throw new ArgumentException(
                $"The model has no class {SafeText.Quoted(name)}; there are: {SafeText.Several(evidence.Names)}.");
    }

    /// <summary>The index of the explained number for each row: [N], Int64. The caller disposes it.</summary>
    /// <param name="outputs">Outputs of the network, [N, outputs].</param>
    public Tensor ChoicesOf(Tensor outputs)
    {
        if (place is { } known)
            return tensor([.. Enumerable.Repeat((long)known, (int)outputs.shape[0])], ScalarType.Int64, outputs.device);
        using var numbers = evidence.Of(outputs);
        return numbers.argmax(1);
    }

    /// <summary>
    /// The sum of the selected numbers, whose gradient by a row's input is that of the row's own number. The caller disposes it.
    /// </summary>
    /// <param name="outputs">Outputs of the network, [N, outputs].</param>
    /// <param name="choices">[N], from <see cref="ChoicesOf"/>.</param>
    public Tensor SumOf(Tensor outputs, Tensor choices)
    {
        using var scope = NewDisposeScope();
        return ChosenOf(outputs, choices).sum().MoveToOuterDisposeScope();
    }

    /// <summary>The selected numbers: [N]. The caller disposes it.</summary>
    public Tensor ChosenOf(Tensor outputs, Tensor choices)
    {
        using var scope = NewDisposeScope();
        return evidence.Of(outputs).gather(1, choices.unsqueeze(1)).squeeze(1).MoveToOuterDisposeScope();
    }
}
