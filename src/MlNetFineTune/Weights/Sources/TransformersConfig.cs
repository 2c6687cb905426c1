using System.Globalization;
using System.Text.Json;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.WeightSources;

/// <summary>
/// Reads the configuration of a hub repository of Hugging Face transformers: <c>config.json</c> of the network,
/// <c>preprocessor_config.json</c> of the pictures. Settings that change the computation and are not visible in the tensors are checked
/// here; the tensors when they are read.
/// </summary>
internal static class TransformersConfig
{
    public const string ProcessorFileName = "preprocessor_config.json";

    /// <summary>The <c>model_type</c> of the kinds of network that are read. A test compares them with those of the architectures'
    /// <see cref="WeightFiles.NameMap.ModelTypes"/>.</summary>
    public static IReadOnlyList<string> ModelTypes { get; } =
        ["convnext", "deit", "dinov2", "efficientnet", "mobilenet_v1", "mobilenet_v2", "regnet", "resnet", "vit"];

    // The networks take colours, red, green and blue.
    private const int Channels = 3;

    // The image processor of ConvNeXt, which ResNet and RegNet use as well, crops below this size alone: image_processing_convnext.py.
    private const int ConvNextCropsBelow = 384;

    /// <param name="config">Content of <c>config.json</c>.</param>
    /// <param name="processor">Content of <c>preprocessor_config.json</c>; undefined where the repository has none.</param>
    /// <param name="source">File or address that it was read from, for messages.</param>
    /// <exception cref="InvalidDataException">It is of a network that is not here, or contradicts what networks here can do.</exception>
    public static HubConfig Parse(JsonElement config, JsonElement processor, string source)
    {
        var type = HubConfig.Text(config, "model_type")!;
        if (!ModelTypes.Contains(type))
        {
            throw HubConfig.Bad(source, $"it names no architecture, as timm's do; "
                + $"it is of another library's {SafeText.Quoted(type)}, transformers perhaps. "
                + $"Of transformers' networks there are {string.Join(", ", ModelTypes)}. "
                + "Export others in Python with torch.jit.trace, for Backbone.FromTorchScript");
        }
        CheckNetwork(config, type, source);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var notes = new List<string>();
        if (Size(config, "image_size", source) is { } size)
            metadata["input_size"] = Invariant(size);
        // ConvNeXt's own epsilon is fixed, but for the last norm's.
        if (type != "convnext" && (Number(config, "layer_norm_eps") ?? Number(config, "batch_norm_eps")) is { } epsilon)
            metadata["bn_eps"] = Invariant(epsilon);
        if (Flag(config, "tf_padding") is { } padsAsTensorFlow)
            metadata["padding"] = padsAsTensorFlow ? "same" : "symmetric";
        if (processor.ValueKind == JsonValueKind.Object)
            ReadPictures(processor, metadata, notes, source);
        else
            notes.Add($"The repository has no {ProcessorFileName}: pictures are prepared as is usual for such weights.");
        return new HubConfig(source, Architecture: null, metadata) { ModelType = type, Notes = notes };
    }

    private static void CheckNetwork(JsonElement config, string type, string source)
    {
        if (Number(config, "num_channels") is { } channels and not Channels)
        {
            throw HubConfig.Bad(source, $"its network takes {Invariant(channels)} channels; expected {Channels}. "
                + "Load its file by Backbone.WithWeights(path) with { InputChannels = ... }");
        }
        if (Number(config, "hidden_size") is { } width && Number(config, "num_attention_heads") is { } heads && width != 64 * heads)
            throw HubConfig.Bad(source, $"its attention has {Invariant(heads)} heads for {Invariant(width)} channels; "
                + "here each head has 64");
        string[] activations = type switch
        {
            "resnet" or "regnet" => ["relu"],
            "mobilenet_v1" or "mobilenet_v2" => ["relu6"],
            "efficientnet" => ["swish", "silu"],
            _ => ["gelu"],
        };
        if (HubConfig.Text(config, "hidden_act") is { } activation && !activations.Contains(activation))
            throw HubConfig.Bad(source, $"its network computes with {SafeText.Quoted(activation)}; here it is '{activations[0]}'");
        if (type == "resnet" && (Flag(config, "downsample_in_first_stage") ?? false))
            throw HubConfig.Bad(source, "its downsample_in_first_stage is true; ResNets here have no stride in their first layer");
        if (type == "resnet" && (Flag(config, "downsample_in_bottleneck") ?? false))
            throw HubConfig.Bad(source, "its downsample_in_bottleneck is true; ResNets here have the stride in the 3x3 convolution");
        if (type == "regnet" && !(Flag(config, "downsample_in_first_stage") ?? true))
            throw HubConfig.Bad(source, "its downsample_in_first_stage is false; RegNets here have a stride in their first block");
        if (Number(config, "output_stride") is { } stride and not 32)
            throw HubConfig.Bad(source, $"its output_stride is {Invariant(stride)}; here it is 32");
    }

    private static void ReadPictures(JsonElement processor, Dictionary<string, string> metadata, List<string> notes, string source)
    {
        var kind = HubConfig.Text(processor, "image_processor_type") ?? HubConfig.Text(processor, "feature_extractor_type") ?? "";
        if ((Flag(processor, "do_center_crop") ?? false) && Size(processor, "crop_size", source) is { } crop)
        {
            Set(crop, Size(processor, "size", source) is { } resized && resized >= crop ? crop / (double)resized : 1);
        }
        else if (Size(processor, "size", source) is { } size)
        {
            var fraction = Number(processor, "crop_pct");
            if (fraction is null && !kind.StartsWith("ConvNext", StringComparison.OrdinalIgnoreCase))
            {
                Set(size, 1);
                notes.Add("transformers stretches these pictures to a square; here their shorter side is resized, and the centre taken.");
            }
            else
            {
                Set(size, size < ConvNextCropsBelow ? fraction ?? 224 / 256.0 : 1);
            }
        }
        ReadNumbers(processor, kind, metadata, source);
        if (Number(processor, "resample") is { } filter)
        {
            // Pillow's numbers: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming.
            metadata["interpolation"] = filter is 1 or 3 ? "bicubic" : "bilinear";
            if (filter is not (2 or 3))
                notes.Add($"transformers resizes these pictures with Pillow's filter {Invariant(filter)}; "
                    + $"here it is done {metadata["interpolation"]}.");
        }

        void Set(int pixels, double fraction)
        {
            metadata["input_size"] = Invariant(pixels);
            metadata["crop_pct"] = Invariant(fraction);
        }
    }

    // A pixel in [0, 255] is scaled, perhaps centred, then normalised; ours is p in [0, 1], and (p - mean) / std.
    private static void ReadNumbers(JsonElement processor, string kind, Dictionary<string, string> metadata, string source)
    {
        var (mean, std) = (Triple(processor, "image_mean", source), Triple(processor, "image_std", source));
        if (!(Flag(processor, "do_normalize") ?? true))
            (mean, std) = ([0, 0, 0], [1, 1, 1]);
        if (mean is null || std is null)
            return;
        var scale = Flag(processor, "do_rescale") ?? true ? Number(processor, "rescale_factor") ?? 1 / 255.0 : 1;
        var centre = Flag(processor, "rescale_offset") ?? false ? 127.5 * scale : 0;
        // image_processing_efficientnet.py divides by the deviation once more for a classifier.
        var again = kind.StartsWith("EfficientNet", StringComparison.Ordinal) && (Flag(processor, "include_top") ?? true);
        metadata["mean"] = string.Join(',', mean.Select(one => Invariant((one + centre) / (255 * scale))));
        metadata["std"] = string.Join(',', std.Select(one => Invariant((again ? one * one : one) / (255 * scale))));
    }

    // 224, [224, 224], { "height": 224, "width": 224 } or { "shortest_edge": 224 }.
    private static int? Size(JsonElement element, string name, string source)
    {
        if (!element.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        var sizes = value.ValueKind switch
        {
            JsonValueKind.Number => [value],
            JsonValueKind.Array when value.GetArrayLength() == 2 => [value[0], value[1]],
            JsonValueKind.Object when value.TryGetProperty("shortest_edge", out var edge) => [edge],
            JsonValueKind.Object when value.TryGetProperty("height", out var height) && value.TryGetProperty("width", out var width) =>
                [height, width],
            _ => Array.Empty<JsonElement>(),
        };
        var pixels = sizes.Where(size => size.ValueKind == JsonValueKind.Number && size.TryGetInt32(out _))
            .Select(size => size.GetInt32()).ToList();
        return pixels.Count == sizes.Length && pixels.Distinct().Count() == 1 && pixels[0] > 0
            ? pixels[0]
            : throw HubConfig.Bad(source, $"its {name} is no square of some pixels");
    }

    private static double[]? Triple(JsonElement element, string name, string source)
    {
        if (!element.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind == JsonValueKind.Number)
            return [value.GetDouble(), value.GetDouble(), value.GetDouble()];
        return value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 3
            && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number)
            ? [.. value.EnumerateArray().Select(item => item.GetDouble())]
            : throw HubConfig.Bad(source, $"its {name} is not three numbers");
    }

    private static double? Number(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static bool? Flag(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.ValueKind == JsonValueKind.True
            : null;

    private static string Invariant(double number) => number.ToString(CultureInfo.InvariantCulture);
}
