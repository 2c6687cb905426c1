using System.Text.Json;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>A fine-tuned image classifier as an ONNX file.</summary>
internal static class OnnxExport
{
    /// <param name="env">Its temporary folder is used where photos are measured.</param>
    /// <param name="model">Not disposed.</param>
    /// <param name="precision">Of the numbers in the file.</param>
    /// <param name="path">Written beside and renamed.</param>
    public static void Write(IHostEnvironment env, FineTuningTransformer model, OnnxPrecision precision, string path) => Exported.Read(
        model, classifier => Write(
            precision.Apply(env, ClassifierGraph.Of(classifier, model.Calibration, IsMultiLabel(model)), model, classifier),
            classifier, model, path));

    /// <summary>
    /// For ML.NET's own image transforms, which resize but do not crop, and do not smooth when they shrink: the picture comes at the size (or a multiple) of which the network sees the centre, and the graph
    /// averages and crops it.
    /// </summary>
    /// <param name="env">Its temporary folder is used where photos are measured.</param>
    /// <param name="model">Not disposed.</param>
    /// <param name="precision">Of the numbers in the file.</param>
    /// <param name="path">Written beside and renamed.</param>
    /// <param name="oversampling">The multiple.</param>
    /// <returns>Height and width of the input.</returns>
    public static int WriteUncropped(
        IHostEnvironment env, FineTuningTransformer model, OnnxPrecision precision, string path, int oversampling)
    {
        var side = 0;
        Exported.Read(model, classifier =>
        {
            var preprocessing = classifier.Definition.Preprocessing;
            var graph = ClassifierGraph.OfPicture(classifier, model.Calibration, border: (ImagePlan.ShorterSide(preprocessing) - preprocessing.Size) / 2, shrink: oversampling);
            side = graph.Side;
            Write(precision.Apply(env, graph, model, classifier), classifier, model, path);
        });
        return side;
    }

    private static bool IsMultiLabel(FineTuningTransformer model) => model.Manifest.Task is MultiLabelManifest;

    private static void Write(ClassifierGraph graph, ImageNetwork classifier, FineTuningTransformer model, string path)
    {
        var (preprocessing, classes) = (classifier.Definition.Preprocessing, model.Classes.Count);
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["backbone"] = classifier.Definition.Name,
            ["classes"] = JsonSerializer.Serialize(model.Classes),
            ["crop_fraction"] = FormattableString.Invariant($"{preprocessing.CropFraction}"),
            ["interpolation"] = preprocessing.Interpolation.ToString().ToLowerInvariant(),
            ["pixels"] = "red, green, blue from 0 to 255; normalised inside",
        };
        if (IsMultiLabel(model))
            metadata["thresholds"] = JsonSerializer.Serialize(model.LabelThresholds);
        OnnxFile.Write(
            path, graph.Graph, [3, graph.Side, graph.Side], [(graph.Logits, classes), (graph.Probabilities, classes)], metadata,
            graph.TakesBytes);
    }
}
