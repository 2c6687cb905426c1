using System.Runtime.InteropServices;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;
using MlNetFineTune.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Reporting;

/// <summary>
/// The regions of a validation picture that contributed to the prediction, as thumbnails of the report: by Grad-CAM, or by attention
/// rollout if the network has no maps.
/// </summary>
internal sealed class RowHeat
{
    private readonly FineTunedNetwork _network;
    private readonly ModelInput _input;
    private readonly Dataset _rows;
    private readonly HeatMapMethod _method;
    private readonly Explanation _explanation;
    private readonly bool _hasClasses;

    private RowHeat(TrainingRun run, BoundTask task, Explanation explanation, HeatMapMethod method)
    {
        _hasClasses = task.ClassNames is not null;
        (_network, _input, _rows) = (run.Network, run.Input, run.Data.Validation.Source.Inputs);
        (_explanation, _method) = (explanation, method);
    }

    /// <summary>What the thumbnails show, in a sentence.</summary>
    public string Note => _explanation is AttentionRollout
        ? "The second picture shows the regions from which attention reached the output (attention rollout)."
        : $"The second picture shows which regions contributed to {(_hasClasses ? "the predicted class" : "a greater number")} "
            + "(Grad-CAM); brighter regions contributed more.";

    /// <param name="run">The completed training, with its network prepared for scoring.</param>
    /// <param name="task">Task of the model.</param>
    /// <returns>Null if rows are not pictures, or the network supports neither method.</returns>
    public static RowHeat? Of(TrainingRun run, BoundTask task)
    {
        if (run.Data.Validation.Source.Inputs is not EncodedImages || run.Input.Pixels is not { } pixels)
            return null;
        var explanation = run.Network.HasAttention.Contains(true) ? Explanation.AttentionRollout() : Explanation.GradCam();
        try
        {
            InputGradient.PrepareNetwork(run.Network);
            var output = ExplainedOutput.Of(task, explanation);
            return Run(run.Network, run.Input, run.Input.ProbeSample(), inputs =>
                new RowHeat(run, task, explanation, explanation.Bind(run.Network, pixels, inputs, output)));
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException or ExternalException or ArgumentException)
        {
            return null; // the page is complete without them
        }
    }

    /// <summary>A data URI of the network's input for a row, with the heat; null if the picture can no longer be read.</summary>
    public string? Of(int row)
    {
        if (Thumbnail.PixelsOf(_rows, row) is not { } rgb)
            return null;
        var size = _input.Pixels!.Preprocessing.Size;
        if (MapOf(rgb) is not { } map)
            return null;
        var rgba = new byte[size * size * 4];
        for (var i = 0; i < size * size; i++)
        {
            rgb.AsSpan(i * 3, 3).CopyTo(rgba.AsSpan(i * 4));
            rgba[i * 4 + 3] = byte.MaxValue;
        }
        // It is already cropped.
        HeatPicture.Draw(
            new UprightPicture(rgba, size, size), new ImagePreprocessing { Size = size, CropFraction = 1 }, _method, map,
            _explanation.Strength);
        return Thumbnail.Encode(rgba, size);
    }

    // A custom module may have no gradient, or fail in the backward pass: this must not end the training.
    private float[]? MapOf(byte[] rgb)
    {
        try
        {
            return Run(_network, _input, rgb, inputs =>
            {
                using var maps = _method.MapsOf(_network, inputs);
                return maps.cpu().to_type(ScalarType.Float32).contiguous().data<float>().ToArray();
            });
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException or ExternalException or ArgumentException)
        {
            return null;
        }
    }

    private static T Run<T>(FineTunedNetwork network, ModelInput input, byte[] sample, Func<ModelInputs, T> run)
    {
        using var scope = NewDisposeScope();
        using var ordinary = inference_mode(false);
        using var noGradients = no_grad();
        using var collator = input.CreateCollator(network.Device);
        using var inputs = collator.Collate(sample, 1);
        return run(inputs);
    }
}
