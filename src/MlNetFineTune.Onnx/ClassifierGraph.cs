using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>Adds the outputs of a task to a graph: <see cref="BoundTask.WriteOutputs"/>.</summary>
internal delegate IReadOnlyList<GraphOutput> OutputWriter(NetworkGraph graph, GraphNetwork network);

/// <summary>A fine-tuned network from its inputs to the outputs of its task.</summary>
/// <param name="Graph">The complete graph.</param>
/// <param name="Outputs">Outputs of the task.</param>
internal sealed record ClassifierGraph(NetworkGraph Graph, IReadOnlyList<GraphOutput> Outputs)
{
    /// <param name="network">The network; it is only read.</param>
    /// <param name="tensors">Input tensors of the network; the first is passed through the stages.</param>
    /// <param name="write">Adds the task's outputs.</param>
    /// <param name="oversampling">See <see cref="PixelTensor"/>; null if the input is the network's own pixels.</param>
    /// <exception cref="NotSupportedException">A layer is not supported, or an input and an output have the same name.</exception>
    public static ClassifierGraph Of(
        FineTunedNetwork network, IReadOnlyList<TensorColumn> tensors, OutputWriter write, int? oversampling = null)
    {
        var graph = new NetworkGraph(tensors[0] is PixelTensor { Form.Preprocessing.Size: var size } ? size : 0);
        GraphValue[] declared = [.. tensors.Select(tensor => tensor.Declare(graph, oversampling))];
        GraphValue[] entering = [.. tensors.Zip(declared, (tensor, value) => tensor.Prepare(graph, value, oversampling))];
        return new ClassifierGraph(graph, write(graph, network.Write(graph, new GraphInputs(entering[0], entering[1..]))));
    }
}
