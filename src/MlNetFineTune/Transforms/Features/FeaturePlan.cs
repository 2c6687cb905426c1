using System.Globalization;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>
/// A pooling resolved for an image network: the sizes of the picture, the pooled stages, and the names of the features, which consist of
/// the stage, the size if there are several, the kind of pooling, and the channel.
/// </summary>
internal sealed class FeaturePlan : FeatureFunction
{
    private readonly FeaturePooling _pooling;
    private readonly IReadOnlyList<int> _stages; // indices of the pooled stages, ascending
    private readonly bool _normalizes;

    private FeaturePlan(FeaturePooling pooling, IReadOnlyList<int> sizes, IReadOnlyList<int> stages, bool normalizes)
    {
        (_pooling, Sizes, _stages, _normalizes) = (pooling, sizes, stages, normalizes);
    }

    /// <summary>Width and height of the network's input in pixels, in order.</summary>
    public IReadOnlyList<int> Sizes { get; }

    /// <summary>Width and height of the backbone's input in pixels for a pooling.</summary>
    /// <exception cref="ArgumentException">The network does not support these sizes.</exception>
    public static IReadOnlyList<int> SizesOf(FeaturePooling pooling, Backbone backbone) =>
        (pooling as FeaturePooling.MultiScalePooling)?.Sizes ?? [backbone.Preprocessing.Size];

    /// <summary>Finds the stages, and determines the number of features by a run on black pictures.</summary>
    /// <param name="pooling">The requested pooling.</param>
    /// <param name="network">The network, prepared for scoring.</param>
    /// <exception cref="ArgumentException">The network has no such stages, or their outputs do not fit the pooling.</exception>
    public static FeaturePlan Of(FeaturePooling pooling, ImageNetwork network)
    {
        var (backbone, scales) = (network.Definition, pooling as FeaturePooling.MultiScalePooling);
        var each = scales?.Pooling ?? pooling;
        var sizes = SizesOf(pooling, backbone);
        if (network.Backbone is VisionTransformer && sizes.FirstOrDefault(size => size != backbone.Preprocessing.Size) is > 0 and var other)
        {
            throw new ArgumentException(
                $"{backbone.Name} has positions for pictures of {backbone.Preprocessing.Size} pixels and takes none of {other}: "
                + "leave sizes out, or set Backbone.Preprocessing to another size.");
        }
        var isOfHead = each is FeaturePooling.NativePooling or FeaturePooling.AttentionPooling; // what the network's own head would get
        if (backbone.HeadPooling != ((each as FeaturePooling.AttentionPooling)?.OfHead ?? HeadPooling.Native))
            throw new ArgumentException($"{each} does not fit a network whose head pools by {backbone.HeadPooling}.");
        if (backbone.Script is not null && each is not FeaturePooling.NativePooling)
        {
            throw new ArgumentException(
                $"A TorchScript program runs as a whole and gives features, no maps: {pooling} cannot pool it. "
                + "Take FeaturePooling.Native.");
        }
        int[] stages = isOfHead ? [network.Stages.Count - 1]
            : scales?.Stages is { } names ? [.. names.Select(name => StageOf(network, name)).Order()]
            : [LastWithMaps(network)];
        var plan = new FeaturePlan(each, sizes, stages, normalizes: scales is not null);
        plan.Names = plan.NamesOf(network);
        return plan;
    }

    public override Tensor Compute(FineTunedNetwork network, ModelInputs inputs) =>
        Compute((ImageNetwork)network, ScaledImageInput.PicturesOf(inputs, Sizes));

    /// <summary>Computes the features of a batch.</summary>
    /// <param name="network">The network, prepared for scoring.</param>
    /// <param name="pictures">[N, C, size, size] for each size.</param>
    /// <returns>[N, features], in the caller's dispose scope.</returns>
    public Tensor Compute(ImageNetwork network, IReadOnlyList<Tensor> pictures)
    {
        var parts = pictures.SelectMany(pixels => Pooled(network, pixels)).ToList();
        return parts is [var only] ? only : cat(parts, 1);
    }

    // Returns one tensor [N, features] for each stage.
    private IEnumerable<Tensor> Pooled(ImageNetwork network, Tensor pixels)
    {
        if (_pooling is not FeaturePooling.MapPooling pooling)
            return [Scaled(network.ForwardRest(pixels, first: 0))]; // FeatureHead gives what it gets
        var result = new List<Tensor>();
        var current = pixels;
        for (var stage = 0; stage <= _stages[^1]; stage++)
        {
            var next = network.Backbone.Stages[stage].Maps.Forward(current);
            if (stage > 0)
                current.Dispose();
            current = next;
            if (_stages.Contains(stage))
                result.Add(Scaled(pooling.Pool(Checked(current, network, stage))));
        }
        return result;
    }

    private Tensor Scaled(Tensor features) => _normalizes ? nn.functional.normalize(features, dim: 1) : features;

    private Tensor Checked(Tensor activations, ImageNetwork network, int stage)
    {
        var ofTokens = _pooling is FeaturePooling.ClassTokenPooling;
        return activations.ndim is 3 || (activations.ndim is 4 && !ofTokens) ? activations : throw new ArgumentException(
            $"Stage '{network.Stages[stage]}' of {network.Name} gives {SafeText.Shape(activations.shape[1..])} a picture, "
            + (ofTokens ? "and only vision transformers have a class token: take FeaturePooling.Average or another."
                : "no maps [C, H, W] and no tokens [T, C] that could be pooled: take FeaturePooling.Native or another stage."));
    }

    private string[] NamesOf(ImageNetwork network)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var channels = network.Definition.InputChannels;
        var dtype = network.NamedParameters() is [var (_, parameter), ..] ? parameter.dtype : ScalarType.Float32;
        return [.. Sizes.SelectMany(size =>
            Pooled(network, zeros([1, channels, size, size], dtype, network.Device))
                .SelectMany((features, place) => NamesOf(network.Stages[_stages[place]], size, (int)features.shape[1])))];
    }

    private IEnumerable<string> NamesOf(string stage, int size, int count)
    {
        var place = Sizes.Count > 1 ? string.Create(CultureInfo.InvariantCulture, $"{stage}@{size}") : stage;
        var kinds = _pooling is FeaturePooling.MapPooling pooling ? pooling.Parts
            : _pooling is FeaturePooling.AttentionPooling ? ["attention"] : ["native"];
        return from kind in kinds
               from channel in Enumerable.Range(0, count / kinds.Count)
               select string.Create(CultureInfo.InvariantCulture, $"{place}.{kind}.{channel}");
    }

    private static int StageOf(ImageNetwork network, string name)
    {
        var stage = network.Stages.ToList().IndexOf(name);
        return stage < 0
            ? throw new ArgumentException(
                $"{network.Name} has no stage {SafeText.Quoted(name)}; it has: {string.Join(", ", network.Stages)}.")
            : network.Backbone.Stages[stage].GivesMaps ? stage
            : throw new ArgumentException(
                $"Stage '{name}' of {network.Name} averages over the picture itself and gives no maps: "
                + $"take '{network.Stages[LastWithMaps(network)]}', or FeaturePooling.Native.");
    }

    private static int LastWithMaps(ImageNetwork network) =>
        network.Backbone.Stages.Index().Last(stage => stage.Item.GivesMaps).Index;
}
