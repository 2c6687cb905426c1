using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// All layers above a backbone, in their order: a pooling of its maps or tokens, where the head has one of its own; the layers of a table
/// beside the picture; and the head of the task, from features to outputs. The pooling comes before the table, whose features have no
/// positions, and is shared by the heads of several labels. Owns the layers.
/// </summary>
internal sealed class ImageHead : IDisposable
{
    private const string TablePrefix = "table.";
    private const string PoolPrefix = "attn_pool."; // timm's name for it
    private readonly string _prefix;
    private readonly bool _readsTokens;

    private ImageHead(Backbone definition, BackboneNetwork backbone, AttentionPool? pool, TableBranch? table, NetworkHead outputs)
    {
        (_prefix, _readsTokens) = ($"{definition.Classifier}.", backbone.Pooling is not null);
        (Pool, Table, Outputs) = (pool, table, outputs);
    }

    /// <summary>The pooling of maps or tokens; null if the backbone gives features.</summary>
    public AttentionPool? Pool { get; }

    /// <summary>The layers of a table beside the picture; null if there is none.</summary>
    public TableBranch? Table { get; }

    /// <summary>The head of the task: [N, features] -> [N, outputs].</summary>
    public NetworkHead Outputs { get; }

    /// <summary>Creates the layers, uninitialised.</summary>
    /// <param name="definition">The backbone, which says whether the head pools.</param>
    /// <param name="backbone">Its network.</param>
    /// <param name="createHead">Creates the head of the task from the number of features.</param>
    /// <param name="table">The table beside the picture; null if there is none.</param>
    /// <exception cref="ArgumentException">The pooling does not fit the number of channels.</exception>
    public static ImageHead Create(Backbone definition, BackboneNetwork backbone, Func<int, NetworkHead> createHead, TableForm? table)
    {
        AttentionPool? pool = null;
        TableBranch? branch = null;
        try
        {
            pool = definition.HeadPooling is HeadPooling.AttentionPooling { Heads: var heads }
                ? new AttentionPool(definition.Name, backbone.Features, heads)
                : null;
            branch = table is null ? null : new TableBranch(table, backbone.Features);
            return new ImageHead(definition, backbone, pool, branch, createHead(backbone.Features + (table?.Features ?? 0)));
        }
        catch
        {
            pool?.Dispose();
            branch?.Dispose();
            throw;
        }
    }

    /// <summary>Draws the initial weights. A new pooling is the average.</summary>
    public void Initialize(long seed)
    {
        Table?.Initialize(seed);
        Outputs.Initialize(seed);
    }

    /// <summary>Caller disposes the result.</summary>
    /// <param name="activations">What the backbone gives: [N, features]; if the head pools, [N, C, H, W] or [N, T, C].</param>
    /// <param name="beside">The tensors of the table.</param>
    /// <returns>[N, outputs].</returns>
    public Tensor Forward(Tensor activations, IReadOnlyDictionary<string, Tensor> beside)
    {
        using var features = Pool?.forward(activations) ?? activations.alias();
        if (Table is null)
            return Outputs.forward(features);
        using var fused = Table.Fuse(features, beside);
        return Outputs.forward(fused);
    }

    /// <summary>Writes the operators of <see cref="Forward"/>.</summary>
    public GraphNetwork Write(NetworkGraph graph, GraphValue activations, IReadOnlyList<GraphValue> beside)
    {
        var features = Pool?.Write(graph, activations, _readsTokens) ?? activations;
        return new(Outputs.Write(graph, Table?.Write(graph, features, beside) ?? features), features);
    }

    /// <summary>Whether a tensor belongs to these layers, by its name.</summary>
    public bool Owns(string tensor) => tensor.StartsWith(_prefix, StringComparison.Ordinal)
        || (Pool is not null && tensor.StartsWith(PoolPrefix, StringComparison.Ordinal))
        || (Table is not null && tensor.StartsWith(TablePrefix, StringComparison.Ordinal));

    /// <summary>The parameters, in the order of computation.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> NamedParameters() =>
        [.. Named(PoolPrefix, Pool), .. Named(TablePrefix, Table), .. Named(_prefix, Outputs)];

    /// <summary>The parameters, and the statistics of a table.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> NamedTensors() =>
    [
        .. Plain(Named(PoolPrefix, Pool)), .. Plain(Named(TablePrefix, Table)),
        .. Table?.named_buffers().Select(named => (TablePrefix + named.name, named.buffer)) ?? [],
        .. Plain(Named(_prefix, Outputs)),
    ];

    public void Infer()
    {
        Table?.eval();
        Outputs.eval();
    }

    public void MoveTo(Device device)
    {
        Pool?.to(device);
        Table?.to(device);
        Outputs.to(device);
    }

    public void Dispose()
    {
        Pool?.Dispose();
        Table?.Dispose();
        Outputs.Dispose();
    }

    private static IEnumerable<(string Name, Parameter Parameter)> Named(string prefix, nn.Module? module) =>
        module?.named_parameters().Select(named => (prefix + named.name, named.parameter)) ?? [];

    private static IEnumerable<(string Name, Tensor Tensor)> Plain(IEnumerable<(string Name, Parameter Parameter)> parameters) =>
        parameters.Select(named => (named.Name, (Tensor)named.Parameter));
}
