using MlNetFineTune.MlNet;







namespace MlNetFineTune.Networks;

/// <summary>
/// The published vision transformers. A name that ends in <c>_mean</c> is the same network with <see cref="Backbone.TokenPooling.Mean"/>.
/// </summary>
internal static class VisionTransformers
{
    private const string MeanSuffix = "_mean";

    /// <summary>With the class token.</summary>
    public static IReadOnlyList<BackboneFamily> Families { get; } =
    [
        .. Enum.GetValues<Backbone.Size>().Select(size => ViT(size, Backbone.TokenPooling.ClassToken)),
        .. Enum.GetValues<Backbone.Size>().Select(size => DeiT(size, Backbone.TokenPooling.ClassToken)),
        DinoV2(Backbone.Size.Small, Backbone.TokenPooling.ClassToken), DinoV2(Backbone.Size.Base, Backbone.TokenPooling.ClassToken),
    ];

    // "augreg": Steiner et al. 2021, https://arxiv.org/abs/2106.10270.
    public static BackboneFamily ViT(Backbone.Size size, Backbone.TokenPooling pooling) =>
        Of($"vit_{Text(size)}_patch16_224", TransformerShape.Of(size, patch: 16), pooling, Preprocessing(224, 0.9f) with { Mean = ColorTriple.Half, Std = ColorTriple.Half });

    public static BackboneFamily DeiT(Backbone.Size size, Backbone.TokenPooling pooling) =>
        Of($"deit_{Text(size)}_patch16_224", TransformerShape.Of(size, patch: 16), pooling, Preprocessing(224, 0.9f));

    public static BackboneFamily DinoV2(Backbone.Size size, Backbone.TokenPooling pooling) => size > Backbone.Size.Tiny
        ? Of($"vit_{Text(size)}_patch14_dinov2", TransformerShape.Of(size, patch: 14, scalesBranches: true), pooling, Preprocessing(518, 1))
        : throw new ArgumentOutOfRangeException(nameof(size), size, "DINOv2 was published in the sizes Small and Base.");

    /// <summary>By a name that ends in <c>_mean</c>; null where it is none.</summary>
    public static BackboneFamily? WithMean(string name)
    {
        var all = Enum.GetValues<Backbone.Size>().SelectMany(
            size => new[] { ViT(size, Backbone.TokenPooling.Mean), DeiT(size, Backbone.TokenPooling.Mean) })
            .Append(DinoV2(Backbone.Size.Small, Backbone.TokenPooling.Mean)).Append(DinoV2(Backbone.Size.Base, Backbone.TokenPooling.Mean));
        return name.EndsWith(MeanSuffix, StringComparison.Ordinal) ? all.FirstOrDefault(family => family.Name == name) : null;
    }

    private static BackboneFamily Of(string name, TransformerShape shape, Backbone.TokenPooling pooling, ImagePreprocessing preprocessing)
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
                new NameMap("torchvision", TorchvisionNames(shape).ToOurs)
                {
                    Recipe = recipe with { Preprocessing = new ImagePreprocessing { Size = preprocessing.Size } },
                },
                shape.ScalesBranches ? InTransformers.DinoV2(shape.Blocks) : InTransformers.ViT(shape.Blocks),
            ],
            // What stood for hidden patches when DINOv2 was trained, and the layer behind the class token that transformers' bare ViT has.
            Unneeded = [VisionTransformer.MaskToken, "pooler"],
        };
    }

    private static ImagePreprocessing Preprocessing(int size, float crop) => new() { Size = size, CropFraction = crop, Interpolation = Interpolation.Bicubic };

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
