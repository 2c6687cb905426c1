using MlNetFineTune.MlNet;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Networks;

/// <summary>
/// Hugging Face transformers' names for the networks that it has too (its <c>modeling_*.py</c>; its <c>convert_*_to_pytorch.py</c> say
/// which tensor is which). They are those of the network without a classifier: the prefix of a model with one (<c>vit.</c>, <c>resnet.</c>)
/// is found as every prefix is, see <see cref="FileNaming"/>.
/// </summary>
internal static class InTransformers
{
    /// <summary>The <see cref="NameMap.Naming"/> of all of them.</summary>
    public const string Naming = "transformers";

    // What transformers' MobileNets presuppose, which were trained in TensorFlow: configuration_mobilenet_v1.py and
    // image_processing_mobilenet_v1.py, likewise V2.
    public static WeightsRecipe MobileNets { get; } = new(
        new ImagePreprocessing { Mean = ColorTriple.Half, Std = ColorTriple.Half }, Backbone.ConvolutionPadding.TensorFlowSame, 1e-3);

    /// <summary>ViT and DeiT. Query, key and value are three layers.</summary>
    public static NameMap ViT(int blocks)
    {
        var names = Embeddings();
        for (var b = 0; b < blocks; b++)
        {
            var (theirs, ours) = ($"encoder.layer.{b}", $"blocks.{b}");
            names.Add($"{theirs}.layernorm_before", $"{ours}.norm1");
            AddAttention(names, theirs, ours);
            names.Add($"{theirs}.layernorm_after", $"{ours}.norm2");
            names.Add($"{theirs}.intermediate.dense", $"{ours}.mlp.fc1");
            names.Add($"{theirs}.output.dense", $"{ours}.mlp.fc2");
        }
        return Map(names, "vit", "deit");
    }

    public static NameMap DinoV2(int blocks)
    {
        var names = Embeddings();
        names.Add("embeddings.mask_token", VisionTransformer.MaskToken);
        for (var b = 0; b < blocks; b++)
        {
            var (theirs, ours) = ($"encoder.layer.{b}", $"blocks.{b}");
            names.Add($"{theirs}.norm1", $"{ours}.norm1");
            AddAttention(names, theirs, ours);
            names.Add($"{theirs}.layer_scale1.lambda1", $"{ours}.ls1.gamma");
            names.Add($"{theirs}.norm2", $"{ours}.norm2");
            names.Add($"{theirs}.mlp", $"{ours}.mlp");
            names.Add($"{theirs}.layer_scale2.lambda1", $"{ours}.ls2.gamma");
        }
        return Map(names, "dinov2");
    }

    public static NameMap ConvNeXt(IReadOnlyList<int> blocks)
    {
        var names = new ModuleNames();
        names.Add("embeddings.patch_embeddings", "stem.0");
        names.Add("embeddings.layernorm", "stem.1");
        for (var s = 0; s < blocks.Count; s++)
        {
            names.Add($"encoder.stages.{s}.downsampling_layer", $"stages.{s}.downsample");
            for (var b = 0; b < blocks[s]; b++)
            {
                var (theirs, ours) = ($"encoder.stages.{s}.layers.{b}", $"stages.{s}.blocks.{b}");
                names.Add($"{theirs}.dwconv", $"{ours}.conv_dw");
                names.Add($"{theirs}.layernorm", $"{ours}.norm");
                names.Add($"{theirs}.pwconv1", $"{ours}.mlp.fc1");
                names.Add($"{theirs}.pwconv2", $"{ours}.mlp.fc2");
                names.Add($"{theirs}.layer_scale_parameter", $"{ours}.gamma");
            }
        }
        names.Add("layernorm", "head.norm");
        return Map(names, "convnext");
    }

    /// <summary>ResNets of both kinds of blocks.</summary>
    /// <param name="blocks">Number of blocks of each layer.</param>
    /// <param name="convolutions">Number of convolutions of a block.</param>
    public static NameMap ResNet(IReadOnlyList<int> blocks, int convolutions)
    {
        var names = new ModuleNames();
        names.AddConvolution("embedder.embedder", "conv1", "bn1");
        for (var s = 0; s < blocks.Count; s++)
        {
            for (var b = 0; b < blocks[s]; b++)
            {
                var (theirs, ours) = ($"encoder.stages.{s}.layers.{b}", $"layer{s + 1}.{b}");
                names.AddConvolution($"{theirs}.shortcut", $"{ours}.downsample.0", $"{ours}.downsample.1");
                for (var c = 0; c < convolutions; c++)
                    names.AddConvolution($"{theirs}.layer.{c}", $"{ours}.conv{c + 1}", $"{ours}.bn{c + 1}");
            }
        }
        return Map(names, "resnet");
    }

    public static NameMap RegNetY(IReadOnlyList<int> blocks)
    {
        var names = new ModuleNames();
        names.AddConvolution("embedder.embedder", "stem.0", "stem.1");
        for (var s = 1; s <= blocks.Count; s++)
        {
            for (var b = 0; b < blocks[s - 1]; b++)
            {
                var (theirs, ours) = ($"encoder.stages.{s - 1}.layers.{b}", $"trunk_output.block{s}.block{s}-{b}");
                names.AddConvolution($"{theirs}.shortcut", $"{ours}.proj.0", $"{ours}.proj.1");
                names.AddConvolution($"{theirs}.layer.0", $"{ours}.f.a.0", $"{ours}.f.a.1");
                names.AddConvolution($"{theirs}.layer.1", $"{ours}.f.b.0", $"{ours}.f.b.1");
                names.Add($"{theirs}.layer.2.attention.0", $"{ours}.f.se.fc1");
                names.Add($"{theirs}.layer.2.attention.2", $"{ours}.f.se.fc2");
                names.AddConvolution($"{theirs}.layer.3", $"{ours}.f.c.0", $"{ours}.f.c.1");
            }
        }
        return Map(names, "regnet");
    }

    /// <param name="units">Number of units of each group.</param>
    public static NameMap MobileNetV1(IEnumerable<int> units)
    {
        var names = new ModuleNames();
        names.AddConvolution("conv_stem", "conv_stem", "bn1");
        var place = 0;
        foreach (var ours in Units(units))
        {
            names.AddConvolution($"layer.{place++}", $"{ours}.conv_dw", $"{ours}.bn1");
            names.AddConvolution($"layer.{place++}", $"{ours}.conv_pw", $"{ours}.bn2");
        }
        return Map(names, "mobilenet_v1");
    }

    /// <param name="units">Number of units of each group; the first unit belongs to transformers' stem.</param>
    public static NameMap MobileNetV2(IEnumerable<int> units)
    {
        var names = new ModuleNames();
        names.AddConvolution("conv_stem.first_conv", "conv_stem", "bn1");
        names.AddConvolution("conv_stem.conv_3x3", "blocks.0.0.conv_dw", "blocks.0.0.bn1");
        names.AddConvolution("conv_stem.reduce_1x1", "blocks.0.0.conv_pw", "blocks.0.0.bn2");
        var place = 0;
        foreach (var ours in Units(units).Skip(1))
        {
            names.AddConvolution($"layer.{place}.expand_1x1", $"{ours}.conv_pw", $"{ours}.bn1");
            names.AddConvolution($"layer.{place}.conv_3x3", $"{ours}.conv_dw", $"{ours}.bn2");
            names.AddConvolution($"layer.{place++}.reduce_1x1", $"{ours}.conv_pwl", $"{ours}.bn3");
        }
        names.AddConvolution("conv_1x1", "conv_head", "bn2");
        return Map(names, "mobilenet_v2");
    }

    /// <param name="units">Number of units of each group; those of the first do not expand.</param>
    public static NameMap EfficientNet(IReadOnlyList<int> units)
    {
        var names = new ModuleNames();
        names.Add("embeddings.convolution", "conv_stem");
        names.Add("embeddings.batchnorm", "bn1");
        var place = 0;
        foreach (var ours in Units(units))
        {
            var expands = place >= units[0];
            var theirs = $"encoder.blocks.{place++}";
            names.Add($"{theirs}.expansion.expand_conv", $"{ours}.conv_pw");
            names.Add($"{theirs}.expansion.expand_bn", $"{ours}.bn1");
            names.Add($"{theirs}.depthwise_conv.depthwise_conv", $"{ours}.conv_dw");
            names.Add($"{theirs}.depthwise_conv.depthwise_norm", expands ? $"{ours}.bn2" : $"{ours}.bn1");
            names.Add($"{theirs}.squeeze_excite.reduce", $"{ours}.se.conv_reduce");
            names.Add($"{theirs}.squeeze_excite.expand", $"{ours}.se.conv_expand");
            names.Add($"{theirs}.projection.project_conv", expands ? $"{ours}.conv_pwl" : $"{ours}.conv_pw");
            names.Add($"{theirs}.projection.project_bn", expands ? $"{ours}.bn3" : $"{ours}.bn2");
        }
        names.Add("encoder.top_conv", "conv_head");
        names.Add("encoder.top_bn", "bn2");
        return Map(names, "efficientnet");
    }

    private static ModuleNames Embeddings()
    {
        var names = new ModuleNames();
        names.Add("embeddings.cls_token", "cls_token");
        names.Add("embeddings.position_embeddings", "pos_embed");
        names.Add("embeddings.patch_embeddings.projection", "patch_embed.proj");
        names.Add("layernorm", "norm");
        return names;
    }

    private static void AddAttention(ModuleNames names, string theirs, string ours)
    {
        var layer = $"{theirs}.attention.attention";
        names.AddParts($"{ours}.attn.qkv", $"{layer}.query", $"{layer}.key", $"{layer}.value");
        names.Add($"{theirs}.attention.output.dense", $"{ours}.attn.proj");
    }

    private static IEnumerable<string> Units(IEnumerable<int> groups) =>
        groups.SelectMany((count, g) => Enumerable.Range(0, count).Select(u => $"blocks.{g}.{u}"));

    private static NameMap Map(ModuleNames names, params string[] modelTypes) =>
        new(Naming, names.ToOurs) { PartOf = names.PartOf, ModelTypes = modelTypes };
}
