using System.Runtime.InteropServices;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune;

/// <summary>
/// Trains on smaller pictures in the first epochs, and on those of the network's own size in the last: the time of a step is nearly
/// proportional to the number of pixels. See <see cref="ImageFineTuningOptions.ProgressiveResizing"/>.
/// </summary>
/// <remarks>
/// The last epochs fit the network to the size of objects in scoring, as FixRes (Touvron et al. 2019, https://arxiv.org/abs/1906.06423).
/// Pictures are decoded and augmented at the network's own size, and batches are then resized on the device, as by MosaicML's Composer.
/// </remarks>
public sealed record ProgressiveResizing
{
    /// <summary>Smallest <see cref="Size"/>: most networks reduce a picture to 1/32 of its width.</summary>
    internal const int Smallest = 32;

    /// <summary>Width and height of the smaller pictures in pixels. At least 32, and less than the network's own. Default 160.</summary>
    public int Size
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, Smallest, nameof(Size));
            field = value;
        }
    } = 160;

    /// <summary>Number of the last epochs with pictures of the network's own size. At least 1, and fewer than all. Default 1.</summary>
    public int FullSizeEpochs
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, nameof(FullSizeEpochs));
            field = value;
        }
    } = 1;

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"{Size} pixels, in the last {(FullSizeEpochs == 1 ? "epoch" : $"{FullSizeEpochs} epochs")} of full size");

    /// <summary>The last epoch with smaller pictures.</summary>
    internal int LastEpoch(int epochs) => epochs - FullSizeEpochs;

    /// <exception cref="ArgumentException">It does not fit the network or the training.</exception>
    internal void Check(Backbone backbone, int epochs)
    {
        if (Size >= backbone.Preprocessing.Size)
        {
            throw new ArgumentException(
                $"ProgressiveResizing.Size is {Size}, but the pictures of {backbone.Name} have {backbone.Preprocessing.Size} pixels: "
                + "choose a smaller size.", "options");
        }
        if (FullSizeEpochs >= epochs)
        {
            throw new ArgumentException(
                $"ProgressiveResizing.FullSizeEpochs is {FullSizeEpochs}, but there are {epochs} epochs (Epochs): no picture would be "
                + "smaller. Lower FullSizeEpochs, or leave ProgressiveResizing out.", "options");
        }
        Try(backbone);
    }

    // A black picture: transformers have positions for one size, a program of the user's or a stage may have other reasons.
    private void Try(Backbone backbone)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var network = backbone.CreateEmptyNetwork();
        network.eval();
        try
        {
            network.forward(zeros(1, backbone.InputChannels, Size, Size, ScalarType.Float32));
        }
        catch (Exception e) when (e is ExternalException or ArgumentException or InvalidOperationException)
        {
            throw new ArgumentException(
                $"ProgressiveResizing.Size is {Size}, but {backbone.Name} does not compute pictures of that size "
                + $"({SafeText.Message(e)}): leave ProgressiveResizing out.", "options", e);
        }
    }

    /// <summary>Resizes the pictures of a batch; bilinear with antialiasing, as they are resized when they are decoded.</summary>
    /// <param name="inputs">[N, channels, H, W]. Ownership is transferred.</param>
    /// <returns>[N, channels, <see cref="Size"/>, <see cref="Size"/>], channels-last. The caller disposes it.</returns>
    internal ModelInputs Resize(ModelInputs inputs)
    {
        using var small = nn.functional.interpolate(
            inputs.Activations, size: [Size, Size], mode: InterpolationMode.Bilinear, align_corners: false, antialias: true);
        var result = inputs.With(ChannelsLast.Of(small));
        inputs.Activations.Dispose();
        return result;
    }
}
