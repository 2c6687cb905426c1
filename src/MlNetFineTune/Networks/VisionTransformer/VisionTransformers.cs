using MlNetFineTune.MlNet;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Networks;

/// <summary>
/// The published vision transformers. A name that ends in <c>_mean</c> is the same network with <see cref="Backbone.TokenPooling.Mean"/>.
/// </summary>
internal static class VisionTransformers
{
    private const string MeanSuffix = "_mean";

    /// <summary>The published networks with the class token.</summary>
    public static IReadOnlyList<Architecture> Architectures { get; } =
    [
        .. Enum.GetValues<Backbone.Size>().Select(size => ViT(size, Backbone.TokenPooling.ClassToken)),
        .. Enum.GetValues<Backbone.Size>().Select(size => DeiT(size, Backbone.TokenPooling.ClassToken)),
        DinoV2(Backbone.Size.Small, Backbone.TokenPooling.ClassToken), DinoV2(Backbone.Size.Base, Backbone.TokenPooling.ClassToken),
    ];

    // "augreg": Steiner et al. 2021, https://arxiv.org/abs/2106.10270.
    public static Architecture ViT(Backbone.Size size, Backbone.TokenPooling pooling) =>
        Of($"vit_{Text(size)}_patch16_224", TransformerShape.Of(size, patch: 16), pooling,
            Preprocessing(224, 0.9f) with { Mean = ColorTriple.Half, Std = ColorTriple.Half });

    public static Architecture DeiT(Backbone.Size size, Backbone.TokenPooling pooling) =>
        Of($"deit_{Text(size)}_patch16_224", TransformerShape.Of(size, patch: 16), pooling, Preprocessing(224, 0.9f));

    public static Architecture DinoV2(Backbone.Size size, Backbone.TokenPooling pooling) => size > Backbone.Size.Tiny
        ? Of($"vit_{Text(size)}_patch14_dinov2", TransformerShape.Of(size, patch: 14, scalesBranches: true), pooling, Preprocessing(518, 1))
        : throw new ArgumentOutOfRangeException(nameof(size), size, "DINOv2 was published in the sizes Small and Base.");

    /// <summary>The architecture of a name that ends in <c>_mean</c>; null for other names.</summary>
    public static Architecture? WithMean(string name)
    {
        var all = Enum.GetValues<Backbone.Size>().SelectMany(
            size => new[] { ViT(size, Backbone.TokenPooling.Mean), DeiT(size, Backbone.TokenPooling.Mean) })
            .Append(DinoV2(Backbone.Size.Small, Backbone.TokenPooling.Mean)).Append(DinoV2(Backbone.Size.Base, Backbone.TokenPooling.Mean));
        return name.EndsWith(MeanSuffix, StringComparison.Ordinal) ? all.FirstOrDefault(architecture => architecture.Name == name) : null;
    }

    private static Architecture Of(string name, TransformerShape shape, Backbone.TokenPooling pooling, ImagePreprocessing preprocessing)
    {
        var recipe = new WeightsRecipe(preprocessing, Backbone.ConvolutionPadding.Symmetric, 1e-6);
        return new(
            pooling == Backbone.TokenPooling.Mean ? name + MeanSuffix : name, "head", recipe,
            own => new VisionTransformer(shape, own.Preprocessing.Size, pooling, own.Epsilon))
        {
            PublishedName = name,
            InitialWeights = Initialization.Transformer,
            SizeMultiple = shape.Patch,
            OtherNames =
            [
                new NameMap("torchvision", TorchvisionNames(shape).ToOurs),
                shape.ScalesBranches ? InTransformers.DinoV2(shape.Blocks) : InTransformers.ViT(shape.Blocks),
            ],
            OtherRecipes = new Dictionary<string, WeightsRecipe>
            {
                ["torchvision"] = recipe with { Preprocessing = new ImagePreprocessing { Size = preprocessing.Size } },
            },
            Costs = CostsOf(shape),
            // The mask token of DINOv2's pretraining, and the layer after the class token that transformers' ViT without a head has.
            Unneeded = [VisionTransformer.MaskToken, "pooler"],
        };
    }

    // They do not depend on the token pooling. DINOv2 is listed at 518 pixels, the others at 224.
    private static Costs CostsOf(TransformerShape shape) => (shape.Channels, shape.Patch) switch
    {
        (192, 16) => new(5_524_416, 1_253_491_200, 192),
        (384, 16) => new(21_665_664, 4_598_498_304, 384),
        (768, 16) => new(85_798_656, 17_563_060_224, 768),
        (384, 14) => new(22_056_192, 46_696_739_328, 384),
        (768, 14) => new(86_579_712, 151_573_718_016, 768),
        _ => default,
    };

    private static ImagePreprocessing Preprocessing(int size, float crop) =>
        new() { Size = size, CropFraction = crop, Interpolation = Interpolation.Bicubic };

    private static string Text(Backbone.Size size) => size.ToString().ToLowerInvariant();

    private static ModuleNames TorchvisionNames(TransformerShape shape)
    {
        var names = new ModuleNames();
        names.Add("class_token", "cls_token");
        names.Add("conv_proj", "patch_embed.proj");
        names.Add("encoder.pos_embedding", "pos_embed");
        for (var b = 0; b < shape.Blocks; b++)
        {
            var (theirs, ours) = ($"encoder.layers.encoder_layer_{b}", $"blocks.{b}");
            names.Add($"{theirs}.ln_1", $"{ours}.norm1");
            names.Add($"{theirs}.self_attention.in_proj_weight", $"{ours}.attn.qkv.weight");
            names.Add($"{theirs}.self_attention.in_proj_bias", $"{ours}.attn.qkv.bias");
            names.Add($"{theirs}.self_attention.out_proj", $"{ours}.attn.proj");
            names.Add($"{theirs}.ln_2", $"{ours}.norm2");
            names.Add($"{theirs}.mlp.0", $"{ours}.mlp.fc1");
            names.Add($"{theirs}.mlp.3", $"{ours}.mlp.fc2");
            names.Add($"{theirs}.mlp.linear_1", $"{ours}.mlp.fc1"); // as the published files, older than torchvision 0.14, call them
            names.Add($"{theirs}.mlp.linear_2", $"{ours}.mlp.fc2");
        }
        names.Add("encoder.ln", "norm");
        names.Add("heads.head", "head");
        return names;
    }
}
