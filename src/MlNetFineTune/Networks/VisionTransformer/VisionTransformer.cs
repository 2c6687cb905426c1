using MlNetFineTune.MlNet;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// Vision transformers with timm's names: ViT (Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929), DeiT, the same network with
/// another training (Touvron et al. 2020, https://arxiv.org/abs/2012.12877), and DINOv2 (Oquab et al. 2023,
/// https://arxiv.org/abs/2304.07193), with patches of 14 pixels and scaled branches. Every block is a stage; the final norm belongs to the
/// last, so that layer decay counts as timm does.
/// </summary>
internal sealed class VisionTransformer : BackboneNetwork
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Parameter cls_token; // [1, 1, C]
    private readonly Parameter pos_embed; // [1, 1 + places, C]
    private readonly ModuleList<TransformerBlock> blocks = [];
    private readonly LayerNorm norm;
#pragma warning restore IDE1006

    /// <summary>A tensor of DINOv2's files that only its training needs.</summary>
    public const string MaskToken = "mask_token";

    /// <param name="shape">Sizes of the network.</param>
    /// <param name="size">Width and height of the pictures in pixels.</param>
    /// <param name="pooling">How tokens become features.</param>
    /// <param name="epsilon">Epsilon of LayerNorm.</param>
    public VisionTransformer(TransformerShape shape, int size, Backbone.TokenPooling pooling, double epsilon)
        : base(nameof(VisionTransformer), shape.Channels)
    {
        var side = size / shape.Patch;
        cls_token = Parameters.Of(empty(1, 1, shape.Channels, Parameters.Type));
        pos_embed = Parameters.Of(empty(1, 1 + side * side, shape.Channels, Parameters.Type));
        var patchEmbed = new NamedModules("patch_embed");
        var patches = patchEmbed.Add("proj", new Conv2d(3, shape.Channels, shape.Patch, shape.Patch, border: 0, bias: true));
        register_module("patch_embed", patchEmbed);
        AddStage("patch_embed", ["patch_embed", nameof(cls_token), nameof(pos_embed)], new Computation(Embed, WriteEmbed));

        norm = new LayerNorm(shape.Channels, epsilon);
        for (var b = 0; b < shape.Blocks; b++)
        {
            var block = new TransformerBlock(shape.Channels, shape.Heads, shape.ScalesBranches, epsilon);
            blocks.Add(block);
            if (b < shape.Blocks - 1)
                AddStage($"blocks.{b}", [$"blocks.{b}"], Computation.Of([block]), attention: block.AttentionOf);
            else
                AddStage($"blocks.{b}", [$"blocks.{b}", nameof(norm)], Computation.Of([block])
                    .Then(new Computation(norm.forward, norm.Write)), Pool(pooling), attention: block.AttentionOf);
        }
        Pooling = pooling;
        RegisterComponents();

        // [N, 3, H, W] -> [N, 1 + places, C]
        Tensor Embed(Tensor pixels)
        {
            using var scope = NewDisposeScope();
            var places = patches.forward(pixels).flatten(2).transpose(1, 2); // a view of channels-last maps
            var tokens = cat([cls_token.expand(places.shape[0], -1, -1), places], 1);
            return tokens.Add_(pos_embed).MoveToOuterDisposeScope();
        }

        GraphValue WriteEmbed(NetworkGraph graph, GraphValue pixels)
        {
            var channels = shape.Channels;
            var places = graph.Transpose(graph.Reshape(patches.Write(graph, pixels), 0, channels, -1), 0, 2, 1);
            // As many class tokens as pictures: zeros of the right shape, and the token added.
            var first = graph.Slice(places, axis: 1, 0, 1);
            var token = graph.Sum(graph.Product(first, graph.Scalar("zero", 0)), graph.Constant(nameof(cls_token), cls_token));
            return graph.Sum(graph.Concat(1, token, places), graph.Constant(nameof(pos_embed), pos_embed));
        }
    }

    public override Backbone.TokenPooling? Pooling { get; }

    /// <summary>Neither the class token nor the positions decay, as in the authors' trainings.</summary>
    public override bool Decays(string name, Tensor parameter) =>
        name is not (nameof(cls_token) or nameof(pos_embed)) && base.Decays(name, parameter);

    /// <summary>Positions of another picture size are interpolated, as timm does: bicubic with antialiasing;
    /// the class token's stays.</summary>
    public override Func<Tensor, Tensor>? Adaptation(string name, long[] fileShape)
    {
        if (name != nameof(pos_embed) || fileShape is not [1, > 1, _] || fileShape[2] != Features)
            return base.Adaptation(name, fileShape);
        return Side(fileShape[1]) is { } side ? positions => Resampled(positions, side, Side(pos_embed.shape[1])!.Value) : null;
    }

    /// <summary>[1, 1 + from * from, C] -> [1, 1 + to * to, C]. The caller disposes it.</summary>
    internal static Tensor Resampled(Tensor positions, long from, long to)
    {
        using var scope = NewDisposeScope();
        var grid = positions[.., 1..].reshape(1, from, from, -1).permute(0, 3, 1, 2); // [1, C, from, from]
        var resampled = nn.functional.interpolate(grid, [to, to], mode: InterpolationMode.Bicubic, align_corners: false, antialias: true);
        return cat([positions[.., ..1], resampled.permute(0, 2, 3, 1).reshape(1, to * to, -1)], 1).MoveToOuterDisposeScope();
    }

    // Patch positions form a square, after the class token; null where their number is no square.
    private static long? Side(long tokens)
    {
        var side = (long)Math.Round(Math.Sqrt(tokens - 1));
        return side * side == tokens - 1 ? side : null;
    }

    private static Computation Pool(Backbone.TokenPooling pooling) => pooling == Backbone.TokenPooling.Mean
        ? new(MeanOfPatches, (graph, tokens) =>
            graph.Add("ReduceMean", [graph.Slice(tokens, axis: 1, 1, long.MaxValue)], ("axes", (long[])[1]), ("keepdims", 0L)))
        : new(ClassToken, (graph, tokens) => graph.Add("Squeeze", [graph.Slice(tokens, axis: 1, 0, 1), graph.Constant("axes", 1)]));

    private static Tensor ClassToken(Tensor tokens)
    {
        using var first = tokens.select(1, 0);
        return first.contiguous();
    }

    private static Tensor MeanOfPatches(Tensor tokens)
    {
        using var patches = tokens.narrow(1, 1, tokens.shape[1] - 1);
        return patches.mean([1]);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            cls_token.Dispose();
            pos_embed.Dispose();
        }
        base.Dispose(disposing);
    }
}
