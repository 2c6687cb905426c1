using System.Globalization;

namespace MlNetFineTune.Networks;

/// <summary>What weights presuppose of the network around them: preprocessing, padding, BatchNorm's epsilon.</summary>
internal sealed record WeightsRecipe(ImagePreprocessing Preprocessing, Backbone.ConvolutionPadding Padding, double Epsilon)
{
    /// <summary>This recipe, with what the file's metadata say instead: <c>input_size, mean, std,
    /// interpolation, crop_pct, padding, bn_eps</c>.</summary>
    /// <param name="metadata">Texts by key; what is not a part of the recipe is passed over.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">The metadata contradict themselves or cannot be read.</exception>
    public WeightsRecipe With(IReadOnlyDictionary<string, string> metadata, string source)
    {
        var result = this;
        foreach (var (key, value) in metadata)
        {
            try
            {
                result = key switch
                {
                    "input_size" =>
                        result with { Preprocessing = result.Preprocessing with { Size = int.Parse(value, CultureInfo.InvariantCulture) } },
                    "mean" => result with { Preprocessing = result.Preprocessing with { Mean = ParseTriple(value) } },
                    "std" => result with { Preprocessing = result.Preprocessing with { Std = ParseTriple(value) } },
                    "interpolation" => result with
                    {
                        Preprocessing = result.Preprocessing with { Interpolation = ParseInterpolation(value) }
                    },
                    "crop_pct" => result with
                    {
                        Preprocessing = result.Preprocessing with
                        {
                            CropFraction = float.Parse(value, CultureInfo.InvariantCulture)
                        }
                    },
                    "bn_eps" => result with { Epsilon = ParseEpsilon(value) },
                    "padding" => result with { Padding = ParsePadding(value) },
                    _ => result,
                };
            }
            catch (Exception e) when (e is FormatException or ArgumentException or OverflowException)
            {
                throw new InvalidDataException(
                    $"'{source}': its metadata entry {key} = {SafeText.Quoted(value)} cannot be used: {SafeText.Message(e)}", e);
            }
        }
        return result;
    }

    /// <summary>The metadata that <see cref="With"/> reads back.</summary>
    public Dictionary<string, string> ToMetadata() => new(StringComparer.Ordinal)
    {
        ["format"] = "pt",
        ["input_size"] = Preprocessing.Size.ToString(CultureInfo.InvariantCulture),
        ["mean"] = Text(Preprocessing.Mean),
        ["std"] = Text(Preprocessing.Std),
        ["interpolation"] = Preprocessing.Interpolation.ToString().ToLowerInvariant(),
        ["crop_pct"] = Preprocessing.CropFraction.ToString(CultureInfo.InvariantCulture),
        ["bn_eps"] = Epsilon.ToString(CultureInfo.InvariantCulture),
        ["padding"] = Padding == Backbone.ConvolutionPadding.TensorFlowSame ? "same" : "symmetric",
    };

    // "same (TF)" and the like are said by converters from TensorFlow.
    private static Backbone.ConvolutionPadding ParsePadding(string text) =>
        text.StartsWith("same", StringComparison.OrdinalIgnoreCase) ? Backbone.ConvolutionPadding.TensorFlowSame
        : text.Length == 0 || text.StartsWith("symmetric", StringComparison.OrdinalIgnoreCase) ? Backbone.ConvolutionPadding.Symmetric
        : throw new FormatException("expected 'same' or 'symmetric'.");

    private static ColorTriple ParseTriple(string text)
    {
        var parts = text.Split(',');
        return parts.Length == 3
            ? new ColorTriple(Parse(parts[0]), Parse(parts[1]), Parse(parts[2]))
            : throw new FormatException("expected three numbers separated by commas.");

        static float Parse(string part) => float.Parse(part, CultureInfo.InvariantCulture) is var number && float.IsFinite(number)
            ? number
            : throw new FormatException("expected finite numbers.");
    }

    // Enum.Parse takes any number, and double.Parse takes NaN.
    private static Interpolation ParseInterpolation(string text) =>
        Enum.TryParse<Interpolation>(text, ignoreCase: true, out var filter) && Enum.IsDefined(filter)
        ? filter
        : throw new FormatException($"expected one of {string.Join(", ", Enum.GetNames<Interpolation>())}.");

    private static double ParseEpsilon(string text) => double.Parse(text, CultureInfo.InvariantCulture) is > 0 and < 1 and var epsilon
        ? epsilon
        : throw new FormatException("expected a number above 0 and below 1.");

    private static string Text(ColorTriple triple) =>
        string.Create(CultureInfo.InvariantCulture, $"{triple.Red},{triple.Green},{triple.Blue}");
}
