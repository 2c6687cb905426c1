using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pretrain;

/// <summary>The loss of masked language modelling of a batch.</summary>
internal sealed class MaskedModelling(TextEncoder encoder, LanguageHead head, int length)
{
    /// <summary>The mean loss and the share of hidden tokens that are predicted. The caller disposes the loss.</summary>
    public (Tensor Loss, Tensor Right) Run(MaskedBatch batch)
    {
        using var scope = NewDisposeScope();
        var inputs = new ModelInputs(tensor(batch.Tokens, [batch.Tokens.Length / length, length], ScalarType.Int64));
        var hidden = inputs.Activations;
        for (var stage = 0; stage < encoder.Stages.Count; stage++)
            hidden = encoder.Hidden(hidden, inputs, stage, dropout: null);
        var chosen = hidden.reshape(-1, encoder.Features).index_select(0, tensor(batch.Places, ScalarType.Int64)); // [M, C]
        var logits = head.Forward(chosen);
        var targets = tensor(batch.Targets, ScalarType.Int64);
        var loss = nn.functional.cross_entropy(logits, targets);
        var right = logits.detach().argmax(1).eq(targets).to_type(ScalarType.Float32).mean();
        return (loss.MoveToOuterDisposeScope(), right.MoveToOuterDisposeScope());
    }
}
