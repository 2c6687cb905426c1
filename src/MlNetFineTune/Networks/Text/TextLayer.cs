using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>A layer of a text encoder, [N, T, C] -> [N, T, C]: attention and a perceptron, each added to its input.</summary>
internal abstract class TextLayer
{
    /// <summary>Sites of dropout in a layer; its encoder drops before and after.</summary>
    public const int DropoutSites = 3;

    /// <summary>Attention's last layer and the perceptron's two.</summary>
    protected const int AttendedSite = 1, PerceptronSite = 2;

    /// <summary>The modules and their names, as weight files have them.</summary>
    /// <param name="index">Index of the layer in its encoder.</param>
    public abstract IEnumerable<(string Name, nn.Module Module)> Modules(int index);

    /// <param name="input">[N, T, C]. Not changed.</param>
    /// <param name="padding">[N, 1, 1, T]: true for tokens that are not padding; null if there is none.</param>
    /// <param name="dropout">Dropout of the layer in a training step; null for none.</param>
    /// <returns>[N, T, C]. The caller disposes it.</returns>
    public abstract Tensor Forward(Tensor input, Tensor? padding, RowDropout? dropout);

    /// <param name="graph">The graph to which the operators are added.</param>
    /// <param name="input">[N, T, C].</param>
    /// <param name="padding">[N, 1, 1, T]: added to the scores of the attention, 0 for tokens and very low for padding.</param>
    /// <returns>[N, T, C].</returns>
    public abstract GraphValue Write(NetworkGraph graph, GraphValue input, GraphValue padding);

    /// <summary>Drops vectors in a training step; otherwise they are returned as they are.</summary>
    protected static Tensor Dropped(Tensor vectors, double probability, RowDropout? dropout, int site) =>
        dropout is not null && probability > 0 ? dropout.Apply(vectors, probability, site) : vectors;
}
