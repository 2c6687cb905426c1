using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>Layers of TorchSharp in inference mode as operators; Sequentials are walked into.
/// What computes otherwise than these is refused by name.</summary>
internal static class TorchGraph
{
    /// <summary>For messages.</summary>
    public const string Known = "Sequential, Linear, Embedding, Conv1d, Conv2d and Conv3d (padded with zeros), BatchNorm, "
        + "LayerNorm, ReLU, ReLU6, LeakyReLU, ELU, "
        + "GELU (without approximation), SiLU, Hardswish, Hardsigmoid, Sigmoid, Tanh, Softmax, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1), "
        + "AdaptiveMaxPool2d(1), Flatten(), Dropout and Identity";

    /// <param name="module">The user's.</param>
    /// <param name="owner">What it is, for messages.</param>
    /// <param name="graph">Gets the operators.</param>
    /// <param name="inputs">Inputs of shape [N, ...]; keys as indices.</param>
    /// <param name="head">Name of the child of a Sequential whose input are the features.</param>
    /// <exception cref="NotSupportedException">A layer is not known.</exception>
    public static GraphNetwork Write(
        nn.Module module, string owner, NetworkGraph graph, IReadOnlyList<GraphValue> inputs, string head)
    {
        if (module is not InputBranches branches)
        {
            GraphValue? features = null;
            return inputs is [var only]
                ? new(Write(module, "", owner, graph, only, (name, value) => features = name == head ? value : features), features)
                : throw Unknown(module, "", owner);
        }
        GraphValue[] outputs = [.. branches.Branches.Zip(inputs).Select(pair => graph.Add(
            "Flatten", [Write(pair.First.Module, pair.First.Name, owner, graph, pair.Second)], ("axis", 1L)))];
        return new(Write(branches.Head, InputBranches.HeadName, owner, graph, graph.Concat(1, outputs)), Features: null);
    }

    /// <summary>The children of a Sequential before one of them.</summary>
    /// <param name="module">The user's.</param>
    /// <param name="owner">What it is, for messages.</param>
    /// <param name="graph">Gets the operators.</param>
    /// <param name="input">[N, ...]; keys as indices.</param>
    /// <param name="end">Name of the child.</param>
    /// <exception cref="NotSupportedException">The module is no Sequential, or a layer is not known.</exception>
    public static GraphValue WriteBefore(nn.Module module, string owner, NetworkGraph graph, GraphValue input, string end) =>
        ChildrenOf(module) is { } children
            ? children.TakeWhile(child => child.Name != end)
                .Aggregate(input, (current, child) => Write(child.Module, child.Name, owner, graph, current))
            : throw Unknown(module, "", owner);

    private static GraphValue Write(
        nn.Module module, string path, string owner, NetworkGraph graph, GraphValue input, Action<string, GraphValue>? enter = null)
    {
        if (ChildrenOf(module) is { } children)
        {
            return children.Aggregate(input, (current, child) =>
            {
                var name = path.Length > 0 ? $"{path}.{child.Name}" : child.Name;
                enter?.Invoke(name, current);
                return Write(child.Module, name, owner, graph, current);
            });
        }
        return WriteLayer(module, path.Length > 0 ? path + "." : "", graph, input) ?? throw Unknown(module, path, owner);
    }

    private static NotSupportedException Unknown(nn.Module module, string path, string owner) => new(
        $"{(path.Length > 0 ? $"Layer '{path}' of {owner}" : $"The {owner}")} is a {module.GetType().Name}{Settings(module)}, "
        + $"and nothing is known of what it computes; known are {Known}. "
        + "Build the module of these (of several inputs with InputBranches), or write it in Python and use torch.onnx.export there with "
        + "the weights of SaveWeights.");

    // Not of a class derived from Sequential, which may compute otherwise.
    private static List<(string Name, nn.Module Module)>? ChildrenOf(nn.Module module)
    {
        if (module is not Sequential sequential || module.GetType() != typeof(Sequential))
            return null;
        var children = sequential.named_children().Select(child => (child.Item1, child.Item2)).ToList();
        return children.Count == sequential.Count ? children : null; // a child that is there twice has one name
    }

    private static string Settings(nn.Module module) => module switch
    {
        Convolution { transposed: false, padding_mode: not PaddingModes.Zeros } conv => $" with padding_mode {conv.padding_mode}",
        GELU gelu => $" with approximate {gelu.approximate}",
        Flatten flatten => $" from dimension {flatten.start_dim} to {flatten.end_dim}",
        AdaptiveAvgPool2d or AdaptiveMaxPool2d => " to more than one value a channel",
        AvgPool2d => " with a divisor of its own",
        NormBase => " without running statistics",
        _ => "",
    };

    /// <returns>Null where the layer, or a setting of it, is not known.</returns>
    private static GraphValue? WriteLayer(nn.Module module, string name, NetworkGraph graph, GraphValue input) => module switch
    {
        TorchSharp.Modules.Linear linear => WriteLinear(linear, name, graph, input),
        Embedding embedding => WriteEmbedding(embedding, name, graph, input),
        Convolution { transposed: false, padding_mode: PaddingModes.Zeros } conv => WriteConvolution(conv, name, graph, input),
        BatchNorm { running_mean: not null, running_var: not null } norm => WriteBatchNorm(norm, name, graph, input),
        TorchSharp.Modules.LayerNorm norm => WriteLayerNorm(norm, name, graph, input),
        MaxPool2d pool =>
            graph.Add(
                "MaxPool", [input], Window(pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode,
                ("dilations", Two(pool.dilation, 1)))),
        AvgPool2d { divisor_override: null } pool => graph.Add("AveragePool", [input], Window(
            pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode, ("count_include_pad", pool.count_include_pad ? 1L : 0L))),
        AdaptiveAvgPool2d { output_size: var size } when size.All(one => one == 1) => graph.Average(input),
        AdaptiveMaxPool2d { output_size: var size } when size.All(one => one == 1) => graph.Add("GlobalMaxPool", [input]),
        Flatten { start_dim: 1, end_dim: -1 } => graph.Add("Flatten", [input], ("axis", 1L)),
        Dropout or Dropout1d or Dropout2d or Dropout3d or AlphaDropout or FeatureAlphaDropout or Identity => input,
        _ => WriteActivation(module, graph, input),
    };

    private static GraphValue? WriteActivation(nn.Module module, NetworkGraph graph, GraphValue input) => module switch
    {
        ReLU => Activation.ReLU.Write(graph, input),
        ReLU6 => Activation.ReLU6.Write(graph, input),
        GELU gelu when gelu.approximate.ToString() == "none" => Activation.GELU.Write(graph, input),
        SiLU => Activation.SiLU.Write(graph, input),
        Hardswish => Activation.Hardswish.Write(graph, input),
        Hardsigmoid => Activation.Hardsigmoid.Write(graph, input),
        Sigmoid => Activation.Sigmoid.Write(graph, input),
        Tanh => graph.Add("Tanh", [input]),
        LeakyReLU leaky => graph.Add("LeakyRelu", [input], ("alpha", (float)leaky.negative_slope)),
        ELU elu => graph.Add("Elu", [input], ("alpha", (float)elu.alpha)),
        Softmax softmax => graph.Add("Softmax", [input], ("axis", softmax.dim)),
        _ => null,
    };

    // Over the last dimension of as many as there are.
    private static GraphValue WriteLinear(TorchSharp.Modules.Linear linear, string name, NetworkGraph graph, GraphValue input)
    {
        using var scope = NewDisposeScope();
        var product = graph.Add("MatMul", [input, graph.Constant(name + "weight", linear.weight.detach().t())]);
        return linear.bias is { } bias ? graph.Sum(product, graph.Constant(name + "bias", bias)) : product;
    }

    // [N, ...] indices -> [N, ..., length]. The rows are the layer's outputs, which max_norm renormalises.
    private static GraphValue WriteEmbedding(Embedding embedding, string name, NetworkGraph graph, GraphValue input)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        long[] rows = [.. Enumerable.Range(0, (int)embedding.weight!.shape[0])];
        var all = tensor(rows, ScalarType.Int64, embedding.weight.device);
        return graph.Add("Gather", [graph.Constant(name + "weight", embedding.call(all)), input]);
    }

    private static GraphValue WriteConvolution(Convolution conv, string name, NetworkGraph graph, GraphValue input)
    {
        GraphValue[] inputs = [input, graph.Constant(name + "weight", conv.weight),
            .. conv.bias is { } bias ? (ReadOnlySpan<GraphValue>)[graph.Constant(name + "bias", bias)] : []];
        var total = conv.kernel_size.Select(
            (kernel, i) => conv.padding_type == Padding.Same ? conv.dilation[i] * (kernel - 1) : 0).ToList();
        long[] before = conv.padding ?? [.. total.Select(border => border / 2)];
        long[] after = conv.padding ?? [.. total.Select(border => border - border / 2)];
        return graph.Add(
            "Conv", inputs, ("strides", conv.stride), ("dilations", conv.dilation), ("group", conv.groups),
            ("pads", (long[])[.. before, .. after]));
    }

    // By its statistics, which are constants: for [N, C] as for maps.
    private static GraphValue WriteBatchNorm(BatchNorm norm, string name, NetworkGraph graph, GraphValue input)
    {
        using var scope = NewDisposeScope();
        var (mean, variance) = (norm.running_mean!, norm.running_var!);
        return graph.Add(
            "BatchNormalization",
            [input, graph.Constant(name + "weight", norm.weight ?? ones_like(mean)),
                graph.Constant(name + "bias", norm.bias ?? zeros_like(mean)),
                graph.Constant(name + "running_mean", mean), graph.Constant(name + "running_var", variance)],
            ("epsilon", (float)norm.eps));
    }

    private static GraphValue WriteLayerNorm(TorchSharp.Modules.LayerNorm norm, string name, NetworkGraph graph, GraphValue input)
    {
        using var scope = NewDisposeScope();
        GraphValue[] inputs = [input, graph.Constant(name + "weight", norm.weight ?? ones(norm.normalized_shape, ScalarType.Float32)),
            .. norm.bias is { } bias ? (ReadOnlySpan<GraphValue>)[graph.Constant(name + "bias", bias)] : []];
        return graph.Add("LayerNormalization", inputs, ("axis", -(long)norm.normalized_shape.Length), ("epsilon", (float)norm.eps));
    }

    private static (string, object)[] Window(long[] kernel, long[]? stride, long[]? padding, bool ceil, (string, object) other)
    {
        var border = Two(padding, 0);
        return [("kernel_shape", Two(kernel, 1)), ("strides", stride is { Length: > 0 } ? Two(stride, 1) : Two(kernel, 1)),
            ("pads", (long[])[.. border, .. border]), ("ceil_mode", ceil ? 1L : 0L), other];
    }

    // One number stands for both dimensions.
    private static long[] Two(long[]? values, long none) => values switch
    {
        null or [] => [none, none],
        [var both] => [both, both],
        _ => values,
    };
}
