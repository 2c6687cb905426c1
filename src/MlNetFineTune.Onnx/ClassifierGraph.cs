using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>Adds the outputs of a task to a graph: <see cref="BoundTask.WriteOutputs"/>.</summary>
internal delegate IReadOnlyList<GraphOutput> OutputWriter(NetworkGraph graph, GraphValue outputs);

/// <summary>A fine-tuned network from its inputs to the outputs of its task.</summary>
/// <param name="Graph">All of it.</param>
/// <param name="Outputs">What comes out.</param>
internal sealed record ClassifierGraph(NetworkGraph Graph, IReadOnlyList<GraphOutput> Outputs)
{
    /// <param name="network">Read, not kept.</param>
    /// <param name="tensors">What enters it; the first flows through it.</param>
    /// <param name="write">The task's.</param>
    /// <param name="oversampling">See <see cref="PixelTensor"/>; null where pictures come as the network sees them.</param>
    /// <exception cref="NotSupportedException">A layer is not known, or an input is called as an output is.</exception>
    public static ClassifierGraph Of(
        FineTunedNetwork network, IReadOnlyList<TensorColumn> tensors, OutputWriter write, int? oversampling = null)
    {
        var graph = new NetworkGraph(tensors[0] is PixelTensor { Form.Preprocessing.Size: var size } ? size : 0);
        GraphValue[] declared = [.. tensors.Select(tensor => tensor.Declare(graph, oversampling))];
        GraphValue[] entering = [.. tensors.Zip(declared, (tensor, value) => tensor.Prepare(graph, value, oversampling))];
        return new ClassifierGraph(graph, write(graph, network.Write(graph, new GraphInputs(entering[0], entering[1..]))));
    }
}
