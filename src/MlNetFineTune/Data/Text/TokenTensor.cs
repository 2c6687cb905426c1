using MlNetFineTune.Networks;

namespace MlNetFineTune.Data;

/// <summary>Numbers of the tokens of a batch of texts, Int64 [N, T], padded to the longest: ids, mask or segments.</summary>
/// <param name="Name">Name of the tensor, as in transformers.</param>
/// <param name="Column">Name of the column of the only or first text.</param>
/// <param name="About">Description for the file's metadata.</param>
/// <param name="MaximumLength">Maximum number of tokens.</param>
internal sealed record TokenTensor(string Name, string Column, string About, int MaximumLength) : TensorColumn(Name, Column)
{
    public override string Description => About;

    public override int SampleLength => MaximumLength * sizeof(long);

    public override GraphValue Declare(NetworkGraph graph, int? oversampling) =>
        graph.AddInput(Name, [GraphInput.Steps], GraphElement.Int64);

    public override GraphValue Prepare(NetworkGraph graph, GraphValue declared, int? oversampling) => declared;

    public override void MakeBy(ITensorMaker maker) => throw new NotSupportedException(
        "ApplyOnnxModel takes vectors of known size, one row at a time, and texts differ in length.");
}
