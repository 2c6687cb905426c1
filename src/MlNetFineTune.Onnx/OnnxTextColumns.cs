using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>A vector of floats for each output of a network, as <c>ApplyOnnxModel</c> adds them.</summary>
/// <param name="outputs">The outputs, in the order of the scores.</param>
internal sealed class OnnxTextColumns(IReadOnlyList<OnnxTextOutput> outputs) : ScoreColumns
{
    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input) =>
    [
        .. outputs.Select(output => new DataViewSchema.DetachedColumn(
            output.Name, new VectorDataViewType(NumberDataViewType.Single, 1, output.Length))),
    ];

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place)
    {
        var (first, length) = (outputs.Take(column).Sum(output => output.Length), outputs[column].Length);
        return (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
            Scores.Copy(batch.ScoresOf(place()).Slice(first, length), ref value));
    }
}
