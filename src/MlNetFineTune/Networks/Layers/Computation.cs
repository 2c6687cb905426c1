using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>Something a network computes, and how it is written down.</summary>
/// <param name="Forward">Computes a new tensor (caller disposes); the input is not changed.</param>
/// <param name="Write">The same in inference mode, as operators.</param>
internal sealed record Computation(Func<Tensor, Tensor> Forward, Func<NetworkGraph, GraphValue, GraphValue> Write)
{
    /// <summary>Over the picture: [N, C, H, W] -> [N, C].</summary>
    public static Computation Average { get; } = new(maps => maps.mean([2, 3]), (graph, maps) => graph.AverageFlat(maps));

    public static Computation Of(ConvNorm pair) => new(pair.Forward, pair.Write);

    /// <summary>One block after another.</summary>
    public static Computation Of(IReadOnlyList<Block> blocks)
    {
        return new(Run, (graph, maps) => blocks.Aggregate(maps, (current, block) => block.Write(graph, current)));

        Tensor Run(Tensor maps)
        {
            var current = blocks[0].forward(maps);
            foreach (var block in blocks.Skip(1))
            {
                var next = block.forward(current);
                current.Dispose();
                current = next;
            }
            return current;
        }
    }

    /// <summary>This, and another behind it.</summary>
    public Computation Then(Computation next)
    {
        return new(Run, (graph, input) => next.Write(graph, Write(graph, input)));

        Tensor Run(Tensor input)
        {
            using var result = Forward(input);
            return next.Forward(result);
        }
    }
}
