using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Onnx;

/// <summary>Stores weights as half-precision floats, which a runtime widens once, when it loads the file.</summary>
internal static class HalfPrecision
{
    // Small tensors such as biases save little and lose the most accuracy.
    private const int Few = 1024;

    public static NetworkGraph Of(NetworkGraph graph)
    {
        var nodes = new List<GraphNode>();
        var constants = new List<GraphConstant>();
        foreach (var constant in graph.Constants)
        {
            if (constant.Values is not float[] { Length: >= Few } values)
            {
                constants.Add(constant);
                continue;
            }
            // Not an initializer of the graph: ML.NET does not support half-precision initializers and rejects the file.
            var half = constant with { Name = constant.Name + ".half", Values = Array.ConvertAll(values, Narrow) };
            nodes.Add(new GraphNode("Constant", [], [half.Name], [("value", half)]));
            nodes.Add(new GraphNode("Cast", [half.Name], [constant.Name], [("to", OnnxFile.FloatType)]));
        }
        return graph.Rewritten([.. nodes, .. graph.Nodes], constants);
    }

    // Values outside the range of half precision would become infinite.
    private static Half Narrow(float value) => (Half)Math.Clamp(value, (float)Half.MinValue, (float)Half.MaxValue);
}
