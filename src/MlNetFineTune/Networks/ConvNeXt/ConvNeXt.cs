using MlNetFineTune.MlNet;
using MlNetFineTune.WeightFiles;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// ConvNeXt tiny, small and base (Liu et al. 2022, https://arxiv.org/abs/2201.03545) with timm's names (<c>convnext_tiny</c>). The
/// features are the averages of the last stage, normalised by <c>head.norm</c>. No block is dropped at random in training (stochastic
/// depth), as in <see cref="EfficientNet"/>.
/// </summary>
internal sealed class ConvNeXt : BackboneNetwork
{
    // Blocks and channels of the four stages; pixels to which torchvision resizes the shorter side before it crops 224.
    private static readonly (string Name, int[] Blocks, int[] Channels, float TorchvisionResize, Costs Costs)[] s_members =
    [
        ("convnext_tiny", [3, 3, 9, 3], [96, 192, 384, 768], 236, new(27_820_128, 4_454_763_264, 768)),
        ("convnext_small", [3, 3, 27, 3], [96, 192, 384, 768], 230, new(49_454_688, 8_682_944_256, 768)),
        ("convnext_base", [3, 3, 27, 3], [128, 256, 512, 1024], 232, new(87_566_464, 15_353_705_472, 1024)),
    ];

    public ConvNeXt(int[] blocks, int[] channels, double epsilon)
        : base(nameof(ConvNeXt), channels[^1])
    {
        var stem = new NamedModules("stem");
        var patches = stem.Add("0", new Conv2d(3, channels[0], 4, stride: 4, border: 0, bias: true));
        var patchNorm = stem.Add("1", new LayerNorm(channels[0], epsilon));
        register_module("stem", stem);
        AddStage("stem", ["stem"], new Computation(patches.forward, patches.Write)
            .Then(new Computation(patchNorm.OfMaps, patchNorm.WriteOfMaps)));

        var stages = new NamedModules("stages");
        register_module("stages", stages);
        var norm = new LayerNorm(channels[^1], epsilon);
        for (var s = 0; s < blocks.Length; s++)
        {
            var stage = stages.Add($"{s}", new NamedModules($"{s}"));
            var steps = new List<Block>();
            if (s > 0)
                steps.Add(stage.Add("downsample", new ConvNeXtDownsample(channels[s - 1], channels[s], epsilon)));
            var units = stage.Add("blocks", new NamedModules("blocks"));
            for (var b = 0; b < blocks[s]; b++)
                steps.Add(units.Add($"{b}", new ConvNeXtBlock(channels[s], epsilon)));
            if (s < blocks.Length - 1)
                AddBlocks($"stages.{s}", steps, last: false);
            else
                AddBlocks($"stages.{s}", [$"stages.{s}", "head.norm"], steps,
                    pool: Computation.Average.Then(new Computation(norm.forward, norm.Write)),
                    norm: new Computation(norm.OfMaps, norm.WriteOfMaps)); // as timm with head_norm_first
        }
        var head = new NamedModules("head");
        head.Add("norm", norm);
        register_module("head", head);
        RegisterComponents();
    }

    public static IReadOnlyList<Architecture> Architectures { get; } = [.. Enum.GetValues<Backbone.Size>().Select(OfSize)];

    public static Architecture OfSize(Backbone.Size size)
    {
        var (name, blocks, channels, resize, costs) = s_members[(int)size];
        return new(
            name, "head.fc", new WeightsRecipe(
                new ImagePreprocessing { Interpolation = Interpolation.Bicubic }, Backbone.ConvolutionPadding.Symmetric, 1e-6),
            recipe => new ConvNeXt(blocks, channels, recipe.Epsilon))
        {
            InitialWeights = Initialization.Transformer,
            OtherNames =
            [
                new NameMap("torchvision", TorchvisionNames(blocks).ToOurs),
                InTransformers.ConvNeXt(blocks),
                new NameMap("the authors", AuthorsNames(blocks).ToOurs),
            ],
            OtherRecipes = new Dictionary<string, WeightsRecipe>
            {
                ["torchvision"] = new(new ImagePreprocessing { CropFraction = 224 / resize }, Backbone.ConvolutionPadding.Symmetric, 1e-6),
            },
            Costs = costs,
        };
    }

    // facebookresearch/ConvNeXt, models/convnext.py: the stem is the first of the downsamplings,
    // which form a list beside that of the stages.
    private static ModuleNames AuthorsNames(int[] blocks)
    {
        var names = new ModuleNames();
        names.Add("downsample_layers.0", "stem");
        for (var s = 0; s < blocks.Length; s++)
        {
            if (s > 0)
                names.Add($"downsample_layers.{s}", $"stages.{s}.downsample");
            for (var b = 0; b < blocks[s]; b++)
            {
                var (theirs, ours) = ($"stages.{s}.{b}", $"stages.{s}.blocks.{b}");
                names.Add($"{theirs}.dwconv", $"{ours}.conv_dw");
                names.Add($"{theirs}.norm", $"{ours}.norm");
                names.Add($"{theirs}.pwconv1", $"{ours}.mlp.fc1");
                names.Add($"{theirs}.pwconv2", $"{ours}.mlp.fc2");
                names.Add($"{theirs}.gamma", $"{ours}.gamma");
            }
        }
        names.Add("norm", "head.norm");
        names.Add("head", "head.fc");
        return names;
    }

    // torchvision puts everything into one list, in which downsamplings and stages alternate.
    private static ModuleNames TorchvisionNames(int[] blocks)
    {
        var names = new ModuleNames();
        names.AddPair("features.0", "stem.0", "stem.1");
        for (var s = 0; s < blocks.Length; s++)
        {
            if (s > 0)
                names.AddPair($"features.{2 * s}", $"stages.{s}.downsample.0", $"stages.{s}.downsample.1");
            for (var b = 0; b < blocks[s]; b++)
            {
                var (theirs, ours) = ($"features.{2 * s + 1}.{b}", $"stages.{s}.blocks.{b}");
                names.Add($"{theirs}.block.0", $"{ours}.conv_dw");
                names.Add($"{theirs}.block.2", $"{ours}.norm");
                names.Add($"{theirs}.block.3", $"{ours}.mlp.fc1");
                names.Add($"{theirs}.block.5", $"{ours}.mlp.fc2");
                names.Add($"{theirs}.layer_scale", $"{ours}.gamma");
            }
        }
        names.Add("classifier.0", "head.norm");
        names.Add("classifier.2", "head.fc");
        return names;
    }
}
