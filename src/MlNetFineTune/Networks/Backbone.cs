using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.WeightFiles;
using MlNetFineTune.WeightSources;

namespace MlNetFineTune;

/// <summary>
/// The pretrained network to fine-tune, and its weights. Choose a network, then say where its weights come from:
/// <c>Backbone.ResNet18.WithWeights("resnet18.safetensors")</c>, or <c>.FromScratch()</c> for random ones.
/// </summary>
public sealed partial record Backbone
{
    private readonly Architecture _architecture;

    // What the weights say, and what the user says instead.
    private readonly WeightsRecipe _recipe;
    private readonly ImagePreprocessing? _preprocessing;
    private readonly ConvolutionPadding? _padding;

    internal Backbone(Architecture architecture)
    {
        _architecture = architecture;
        _recipe = architecture.DefaultRecipe;
    }

    /// <summary>MobileNetV2 1.0 (Sandler et al. 2018): 2.2 million parameters, timm's <c>mobilenetv2_100</c>.
    /// The best start on a CPU.</summary>
    public static Backbone MobileNetV2 => new(Networks.MobileNetV2.Architecture);

    /// <summary>ResNet-18 (He et al. 2015): 11.2 million parameters, torchvision's <c>resnet18</c>.</summary>
    public static Backbone ResNet18 => new(ResNet.ResNet18);

    /// <summary>ResNet-34 (He et al. 2015): 21.3 million parameters, torchvision's <c>resnet34</c>.</summary>
    public static Backbone ResNet34 => new(ResNet.ResNet34);

    /// <summary>ResNet-50 (He et al. 2015; the stride in the 3x3 convolution): 23.5 million parameters,
    /// torchvision's <c>resnet50</c>.</summary>
    public static Backbone ResNet50 => new(ResNet.ResNet50);

    /// <summary>ResNet-101 (He et al. 2015): 42.5 million parameters, torchvision's <c>resnet101</c>.</summary>
    public static Backbone ResNet101 => new(ResNet.ResNet101);

    /// <summary>ResNet-152 (He et al. 2015): 58.1 million parameters, torchvision's <c>resnet152</c>.</summary>
    public static Backbone ResNet152 => new(ResNet.ResNet152);

    /// <summary>ResNeXt-50 32x4d (Xie et al. 2016): 23.0 million parameters, torchvision's <c>resnext50_32x4d</c>.</summary>
    public static Backbone ResNeXt50 => new(ResNet.ResNeXt50);

    /// <summary>ResNeXt-101 32x8d (Xie et al. 2016): 86.7 million parameters, torchvision's <c>resnext101_32x8d</c>.</summary>
    public static Backbone ResNeXt101 => new(ResNet.ResNeXt101);

    /// <summary>Wide ResNet-50-2 (Zagoruyko and Komodakis 2016): 66.8 million parameters, torchvision's <c>wide_resnet50_2</c>.</summary>
    public static Backbone WideResNet50 => new(ResNet.WideResNet50);

    /// <summary>DenseNet-121 (Huang et al. 2016): 7.0 million parameters, torchvision's <c>densenet121</c>.</summary>
    public static Backbone DenseNet121 => new(DenseNet.DenseNet121);

    /// <summary>VGG-16 with BatchNorm and its two hidden layers (Simonyan and Zisserman 2014): 134 million parameters,
    /// torchvision's <c>vgg16_bn</c>.</summary>
    public static Backbone Vgg16 => new(Vgg.Vgg16);

    /// <summary>SqueezeNet 1.1 (Iandola et al. 2016): 0.7 million parameters, torchvision's <c>squeezenet1_1</c>.</summary>
    public static Backbone SqueezeNet => new(Networks.SqueezeNet.Architecture);

    /// <summary>The small network of the quick start: a residual network of three blocks at 96 pixels, 0.3 million parameters.</summary>
    public static Backbone Micro => new(ResNet.Micro);

    /// <summary>MobileNetV1 (Howard et al. 2017), timm's <c>mobilenetv1_100</c> with other widths.</summary>
    /// <param name="width">Factor of the numbers of channels: 1.0, 0.75, 0.5 and 0.25 have published weights. 0.1 to 4.</param>
    public static Backbone MobileNetV1(float width = 1) => new(Networks.MobileNetV1.OfWidth(CheckWidth(width)));

    /// <summary>A residual network for pictures of 32 pixels, such as CIFAR's (He et al.
    /// 2015, section 4.2): 0.3 to 1.7 million parameters.</summary>
    /// <param name="depth">Layers: 20, 32, 44, 56 or 110.</param>
    public static Backbone CifarResNet(int depth) => Networks.CifarResNet.Depths.Contains(depth)
        ? new(Networks.CifarResNet.OfDepth(depth))
        : throw new ArgumentOutOfRangeException(
            nameof(depth), depth, $"The depth must be one of {string.Join(", ", Networks.CifarResNet.Depths)}.");

    /// <summary>MobileNetV3 small (Howard et al. 2019): 1.5 million parameters,
    /// timm's <c>mobilenetv3_small_100</c> with other widths.</summary>
    /// <param name="width">Factor of the numbers of channels: 1.0, 0.75 and 0.5 have published weights. 0.1 to 4.</param>
    public static Backbone MobileNetV3Small(float width = 1) => new(MobileNetV3.OfWidth(large: false, CheckWidth(width)));

    /// <summary>MobileNetV3 large (Howard et al. 2019): 4.2 million parameters,
    /// timm's <c>mobilenetv3_large_100</c> with other widths.</summary>
    /// <param name="width">Factor of the numbers of channels: 1.0 and 0.75 have published weights. 0.1 to 4.</param>
    public static Backbone MobileNetV3Large(float width = 1) => new(MobileNetV3.OfWidth(large: true, CheckWidth(width)));

    /// <summary>EfficientNet-B0 to B4 (Tan and Le 2019): 4.0, 6.5, 7.7, 10.7 or 17.5 million parameters,
    /// timm's <c>efficientnet_b0</c> to <c>b4</c>.</summary>
    /// <param name="number">0 to 4, for B0 to B4; larger numbers are meant for larger pictures.</param>
    public static Backbone EfficientNet(int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, Networks.EfficientNet.Largest);
        return new(Networks.EfficientNet.Member(number));
    }

    /// <summary>ConvNeXt (Liu et al. 2022): 28, 49 or 88 million parameters, timm's <c>convnext_tiny</c>.</summary>
    /// <param name="size">Tiny, small or base.</param>
    public static Backbone ConvNeXt(Size size) => new(Networks.ConvNeXt.OfSize(Defined(size)));

    /// <summary>Vision transformer with patches of 16 pixels (Dosovitskiy et al.
    /// 2020): 5.5, 22 or 86 million parameters, timm's <c>vit_tiny_patch16_224</c>.</summary>
    /// <param name="size">Tiny, small or base.</param>
    /// <param name="meanOfPatches">
    /// Whether the features are the mean of the patches' tokens, without the class token, rather than the class token, as the network was
    /// trained. Often better for self-supervised weights, whose class token saw no labels. Default false.
    /// </param>
    /// <remarks>Other picture sizes, <see cref="Preprocessing"/>, must be multiples of the patch;
    /// the weights' position embeddings are interpolated to them.</remarks>
    public static Backbone ViT(Size size, bool meanOfPatches = false) =>
        new(VisionTransformers.ViT(Defined(size), PoolingOf(meanOfPatches)));

    /// <summary>DeiT (Touvron et al. 2020): the network of <see cref="ViT"/>, trained on ImageNet alone;
    /// timm's <c>deit_tiny_patch16_224</c>.</summary>
    /// <param name="size">Tiny, small or base.</param>
    /// <param name="meanOfPatches">
    /// Whether the features are the mean of the patches' tokens, without the class token, rather than the class token, as the network was
    /// trained. Often better for self-supervised weights, whose class token saw no labels. Default false.
    /// </param>
    public static Backbone DeiT(Size size, bool meanOfPatches = false) =>
        new(VisionTransformers.DeiT(Defined(size), PoolingOf(meanOfPatches)));

    /// <summary>
    /// DINOv2 (Oquab et al. 2023): 22 or 86 million parameters, trained without labels, strong frozen features; timm's
    /// <c>vit_small_patch14_dinov2</c>. Patches of 14 pixels, pictures of 518 pixels; 224 pixels are many times faster.
    /// </summary>
    /// <param name="size">Small or base.</param>
    /// <param name="meanOfPatches">
    /// Whether the features are the mean of the patches' tokens, without the class token, rather than the class token, as the network was
    /// trained. Often better for self-supervised weights, whose class token saw no labels. Default false.
    /// </param>
    public static Backbone DinoV2(Size size, bool meanOfPatches = false) =>
        new(VisionTransformers.DinoV2(Defined(size), PoolingOf(meanOfPatches)));

    private static TokenPooling PoolingOf(bool meanOfPatches) => meanOfPatches ? TokenPooling.Mean : TokenPooling.ClassToken;

    /// <summary>RegNetY (Radosavovic et al. 2020): 3.9 to 141 million parameters,
    /// torchvision's <c>regnet_y_400mf</c> to <c>regnet_y_32gf</c>.</summary>
    /// <param name="megaflops">Million multiply-adds a picture: 400, 800, 1600, 3200, 8000, 16000 or 32000.</param>
    public static Backbone RegNetY(int megaflops) => RegNet.Sizes.Contains(megaflops)
        ? new(RegNet.OfSize(megaflops))
        : throw new ArgumentOutOfRangeException(
            nameof(megaflops), megaflops, $"RegNetY's size must be one of {string.Join(", ", RegNet.Sizes)} million multiply-adds.");

    /// <summary>
    /// A network exported from Python (<c>torch.jit.trace</c> or <c>torch.jit.script</c>, then <c>.save</c>), with its weights; the file is
    /// not needed again. Its input is normalised pixels [N, 3, H, W], its output features [N, F], or maps [N, C, H, W], which are averaged
    /// over the picture; a dry run on black pictures determines which. Stages are the children of its root that contain tensors, in the
    /// order of registration. It runs in PyTorch's default layout, is not folded, and supports cached features with
    /// <see cref="Strategy.HeadOnly"/> only.
    /// </summary>
    /// <param name="path">
    /// Path of the file. A script is a program: use only files from trusted sources. Checksums and structure are checked before libtorch
    /// reads it, so that damage is an exception; its code is not checked, and libtorch terminates the process if it cannot compile it. A
    /// script traced in evaluation mode has no dropout, and its BatchNorm statistics do not change.
    /// </param>
    /// <param name="preprocessing">
    /// Preprocessing of its pictures, including the input size. Default: 224 pixels, ImageNet's mean and std.
    /// </param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is not TorchScript, is damaged, or its program fails on such pictures or returns no features.
    /// </exception>
    public static Backbone FromTorchScript(string path, ImagePreprocessing? preprocessing = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        TorchRuntime.EnsureLoaded();
        return OfScript(TorchScript.Open(path, preprocessing ?? new ImagePreprocessing()), Path.GetFileName(path));
    }

    internal static Backbone OfScript(TorchScript script, string? origin) =>
        new(script.Architecture) { Weights = new WeightsSource.Program(origin) };

    /// <summary>The name by which <see cref="FromName"/> finds the network, such as <c>mobilenetv2_100</c>;
    /// <c>torchscript</c> if it was created by <see cref="FromTorchScript"/>.</summary>
    public string Name => _architecture.Name;

    /// <summary>Names of the network's stages from input to output. Strategies freeze and train whole stages.</summary>
    public IReadOnlyList<string> Stages
    {
        get
        {
            TorchRuntime.EnsureLoaded();
            return HeadPooling is HeadPooling.AttentionPooling ? _architecture.StagesWithMaps : _architecture.Stages;
        }
    }

    /// <summary>The preprocessing of pictures. Set by the weights; change it only if the weights were trained with another one.</summary>
    public ImagePreprocessing Preprocessing
    {
        get => _preprocessing ?? _recipe.Preprocessing;
        init => _preprocessing = _architecture.Checked(value);
    }

    /// <summary>The padding of strided convolutions. Set by the weights; default: as in the network's published weights.</summary>
    public ConvolutionPadding Padding
    {
        get => _padding ?? _recipe.Padding;
        init => _padding = _architecture.Checked(value);
    }

    /// <summary>
    /// Number of input channels, 1 to 1024: 3 (the default) for red, green and blue; 1 for luminance, to which image trainers convert
    /// colours. Pretrained weights are adapted as timm does: the first convolution's kernels for the colours are added for one channel,
    /// repeated and scaled by 3 / N for others. Mean and standard deviation of luminance are the averages of the colours'. Image trainers
    /// support 1 and 3.
    /// </summary>
    public int InputChannels
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, nameof(InputChannels));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 1024, nameof(InputChannels));
            if (Script is not null && value != Networks.InputChannels.Colors)
                throw new ArgumentException($"A TorchScript program takes {Networks.InputChannels.Colors} channels here; "
                    + $"its stem cannot be adapted to {value}.", nameof(InputChannels));
            field = value;
        }
    } = Networks.InputChannels.Colors;

    /// <summary>Path of the weights file; null if the weights are random or not set.</summary>
    public string? WeightsFile => (Weights as WeightsSource.File)?.Path;

    /// <summary>Whether the weights are initialized at random.</summary>
    public bool IsFromScratch => Weights is WeightsSource.Scratch;

    /// <summary>The program that is the network; null where we build it.</summary>
    internal TorchScript? Script => _architecture.Script;

    /// <summary>Where the weights come from.</summary>
    internal WeightsSource Weights { get; private init; } = new WeightsSource.Unchosen();

    internal bool HasWeights => Weights is not WeightsSource.Unchosen;

    internal WeightsRecipe Recipe
    {
        get => _recipe with { Preprocessing = Preprocessing, Padding = Padding };
        init
        {
            _architecture.Checked(value.Padding);
            _architecture.Checked(value.Preprocessing);
            _recipe = value;
        }
    }

    internal string Classifier => _architecture.Classifier;

    /// <summary>
    /// Finds a network by its name, for example from a command line. Widths of MobileNetV1 are part of the name: <c>mobilenetv1_025</c>.
    /// </summary>
    /// <param name="name">A name from <see cref="List"/>, or of MobileNetV1 in another width.</param>
    /// <exception cref="ArgumentException">There is no such network; the message lists the known names.</exception>
    public static Backbone FromName(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return Architectures.Find(name.Trim().ToLowerInvariant()) is { } architecture
            ? new Backbone(architecture)
            : throw new ArgumentException(
                $"There is no backbone '{name}'. There are: {string.Join(", ", List().Select(info => info.Name))}.", nameof(name));
    }

    /// <summary>
    /// The networks known to <see cref="FromName"/> (MobileNetV1 in its published widths), with their names and computing cost. Does not
    /// build them.
    /// </summary>
    public static IReadOnlyList<Info> List() =>
        [.. Architectures.All.OrderBy(architecture => architecture.Name, StringComparer.Ordinal).Select(architecture => architecture.Info)];

    /// <summary>
    /// Loads the weights from a file. Input size, mean, std, padding and BatchNorm constants in the file's metadata become
    /// <see cref="Preprocessing"/> and <see cref="Padding"/>.
    /// </summary>
    /// <param name="path">
    /// A file of safetensors (or the index of several), of PyTorch's <c>torch.save</c> (<c>.pth</c>, <c>.pt</c>, <c>.bin</c>), or of
    /// TorchSharp's <c>Module.save</c>, told by its content, with timm's, torchvision's or transformers' tensor names and any prefix before
    /// them. No Python code in it is run. Its old classifier is ignored.
    /// </param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The format is unknown, the file is damaged or contains objects other than weights, or it does not fit this network.
    /// </exception>
    /// <exception cref="InvalidOperationException"><see cref="Preprocessing"/> or <see cref="Padding"/> was changed before: the file brings
    /// its own, so change them after.</exception>
    public Backbone WithWeights(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return WithFile(path, Path.GetFileName(path), _architecture.DefaultRecipe);
    }

    /// <summary>
    /// Loads the weights from the cache, or else downloads them now, which can take long and cannot be cancelled; call
    /// <see cref="PretrainedWeights.DownloadAsync"/> before to avoid that. Input size, mean, std, interpolation and crop in a hub's config
    /// become <see cref="Preprocessing"/>.
    /// </summary>
    /// <param name="weights">The source of the weights.</param>
    /// <exception cref="InvalidDataException">The weights belong to another network or are damaged.</exception>
    /// <exception cref="FileNotFoundException">
    /// The weights are not in the cache, and the cache is offline; the message names the file and the folder to place it in.
    /// </exception>
    /// <exception cref="HttpRequestException">The server cannot be reached or refuses the request.</exception>
    /// <exception cref="InvalidOperationException"><see cref="Preprocessing"/> or <see cref="Padding"/> was changed before: the weights
    /// bring their own, so change them after.</exception>
    public Backbone WithWeights(PretrainedWeights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        RequireUnchangedRecipe();
        var local = weights.FindOrFetch();
        if (local.Config is not { } config)
            return WithFile(local.Path, local.Origin, _architecture.DefaultRecipe);
        var naming = Checked(config);
        var recipe = (_architecture.RecipeOf(naming) ?? _architecture.DefaultRecipe).With(config.Metadata, config.Source);
        var note = config.Notes is [] ? null : string.Join(" ", config.Notes);
        return WithFile(local.Path, local.Origin, recipe, note, namingIsKnown: naming is not null);
    }

    /// <summary>
    /// Initializes the weights at random with the training's seed, by the scheme of the network's authors. Needs far more data than
    /// pretrained weights.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The network is of <see cref="FromTorchScript"/>: its initialization is not known.
    /// </exception>
    public Backbone FromScratch() => Script is not null
        ? throw new InvalidOperationException(
            "A TorchScript program comes with its weights, and says nothing of how to draw others: draw them in Python before the export.")
        : this with { Weights = new WeightsSource.Scratch(), Changes = Changes.Untrained(), Recipe = _architecture.DefaultRecipe };

    /// <summary>Text for logs: the name and the source of the weights.</summary>
    public override string ToString() =>
        $"{Name} ({(IsFromScratch ? "random weights" : SafeText.Of(Weights.Origin ?? "no weights chosen", SafeText.SentenceLength))})"
        + (Pruning is null ? "" : $", {Pruning}")
        + string.Concat(Changes.Where(change => change.IsFresh)
            .Select(
                change => $", stage {change.Stage} "
                + $"{(change.Replacement is { } module ? $"replaced by '{module.Contract.Name}'" : "drawn anew")}"));

    private static float CheckWidth(float width) => width is >= 0.1f and <= 4
        ? width
        : throw new ArgumentOutOfRangeException(nameof(width), width, "The width multiplier must be between 0.1 and 4.");

    private static Size Defined(Size size) => Enum.IsDefined(size)
        ? size
        : throw new ArgumentOutOfRangeException(nameof(size), size, "There is no such size.");

    private Backbone WithFile(string path, string origin, WeightsRecipe usual, string? note = null, bool namingIsKnown = false)
    {
        RequireUnchangedRecipe();
        using var file = WeightFile.Open(path);
        var recipe = Possible((namingIsKnown ? usual : InNamingOf(file, usual)).With(file.Metadata, path), file);
        return this with
        {
            Weights = new WeightsSource.File(Path.GetFullPath(path), origin, note),
            Changes = Changes.Untrained(),
            Recipe = recipe,
        };
    }

    // Weights that ask for what this network cannot do are usually another's, and then that is what their user should hear.
    private WeightsRecipe Possible(WeightsRecipe recipe, WeightFile file)
    {
        try
        {
            _architecture.Checked(recipe.Padding);
            _architecture.Checked(recipe.Preprocessing);
            return recipe;
        }
        catch (ArgumentException e)
        {
            TorchRuntime.EnsureLoaded();
            var hint = WeightsRecognition.Hint(file, Name)
                ?? $"Choose the backbone that these weights belong to, or the weights of {Name}.";
            throw new InvalidDataException($"The weights in '{file.Source}' do not fit {Name}: {e.Message} {hint}", e);
        }
    }

    // Another library trained its weights in another way. What a hub's config says of pictures holds all the same.
    private WeightsRecipe InNamingOf(WeightFile file, WeightsRecipe usual)
    {
        if (_architecture.OtherRecipes.Count == 0)
            return usual;
        TorchRuntime.EnsureLoaded();
        var naming = FileNaming.Choose(
            file.Entries, _architecture.Tensors.ContainsKey, _architecture.OtherNames, _architecture.Tensors.Count);
        var theirs = _architecture.RecipeOf(naming.Map);
        return theirs is null ? usual
            : usual == _architecture.DefaultRecipe ? theirs
            : usual with { Padding = theirs.Padding, Epsilon = theirs.Epsilon };
    }

    private void RequireUnchangedRecipe()
    {
        if (_preprocessing is not null || _padding is not null)
            throw new InvalidOperationException(
                "Call WithWeights first and change Preprocessing or Padding after it: "
                + "the weights bring their own, and one of the two would be lost.");
    }

    // transformers' configs tell the kind of network, of which the naming is known then; timm's tell which it is.
    private NameMap? Checked(HubConfig config)
    {
        if (config.Architecture is not { } architecture)
        {
            var such = Architectures.All.Where(architecture => architecture.InTransformersAs(config.ModelType!) is not null)
                .Select(architecture => architecture.Name);
            return _architecture.InTransformersAs(config.ModelType!) ?? throw new InvalidDataException(
                $"'{config.Source}' says that the weights are of transformers' {SafeText.Quoted(config.ModelType!)}, "
                + $"but the backbone is {Name}. Those of that kind are {string.Join(", ", such)}.");
        }
        var published = Architectures.Find(architecture.ToLowerInvariant());
        return published?.PublishedName == _architecture.PublishedName ? null : throw new InvalidDataException(
            $"'{config.Source}' says that the weights are those of {SafeText.Of(architecture)}, but the backbone is {Name}. "
            + (published is null ? $"There is no backbone {SafeText.Of(architecture)} here."
                : $"Write Backbone.FromName(\"{published.Name}\")."));
    }
}
