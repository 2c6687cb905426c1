using MlNetFineTune.Networks;
using MlNetFineTune.Transforms;

namespace MlNetFineTune;

/// <summary>
/// The method by which <c>ml.Transforms.ExplainImages</c> finds the regions of a picture that contributed to an output of a model. All
/// methods use the view of the picture that scoring uses, the centre crop, and not the further views of test-time augmentation.
/// </summary>
/// <remarks>
/// A map shows which parts of a picture affect the output. It does not show that the reason is valid, and methods can differ. Their
/// accuracy on generated pictures with evidence at known positions is in docs/explanations.md.
/// </remarks>
public abstract record Explanation
{
    private protected Explanation()
    {
    }

    /// <summary>
    /// Grad-CAM: the sum of a stage's feature maps, each weighted by the mean gradient of the explained output with respect to it, with
    /// negative values set to 0 (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391). Costs one forward pass and the gradient of the
    /// layers after the stage, little more than scoring. For networks whose stages output feature maps, such as convolutional networks. The
    /// resolution is that of the stage's maps, for example 7 x 7 in the last stage for 224 pixels.
    /// </summary>
    /// <param name="stage">
    /// Name of a stage, as in <see cref="Backbone.Stages"/>. Earlier stages have finer maps of simpler features. Default null: the last
    /// stage whose maps have more than one position.
    /// </param>
    public static Explanation GradCam(string? stage = null) => new GradCam(stage);

    /// <summary>
    /// How much of each patch's token arrives in the features by self-attention: the product of the blocks' attention, averaged over heads,
    /// each half its own and half the residual connection's (Abnar and Zuidema 2020, https://arxiv.org/abs/2005.00928, section 3). For
    /// vision transformers. It shows from where attention reached the output and is the same for every class, so
    /// <see cref="Class"/> and <see cref="Head"/> stay null. One forward pass.
    /// </summary>
    public static Explanation AttentionRollout() => new AttentionRollout();

    /// <summary>
    /// Integrated gradients: the contribution of each pixel to the difference of the explained output between the picture and a baseline of
    /// a single colour, which is the gradient averaged along the straight line between the two, times the difference of the pixel
    /// (Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365). The contributions add up to the difference of the output
    /// ("completeness"); those of pixels against the output are negative. For every network, including modules and TorchScript programs.
    /// The resolution is that of the pixels, with noise. Costs a gradient of the whole network for each step.
    /// </summary>
    /// <param name="steps">Number of points on the line, at the midpoints of equal intervals. 1 to 10,000. Default 32.</param>
    /// <param name="baseline">
    /// Colour of the baseline, each component from 0 to 1. Pixels of this colour have no contribution. Default null: black.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Explanation IntegratedGradients(int steps = 32, ColorTriple? baseline = null) =>
        new IntegratedGradients(steps, baseline ?? default);

    /// <summary>
    /// Name of the explained class or label, as in <see cref="FineTuningTransformer.Classes"/>; "True" or "False" for a binary model.
    /// Default null: the predicted class of each picture; for multi-label models the label farthest above its threshold; for a regression
    /// what increases the number.
    /// </summary>
    public string? Class { get; init; }

    /// <summary>
    /// Label column of the explained head for a model with several heads (<see cref="LearningTask.Several"/>). Default null: for a model
    /// with one head.
    /// </summary>
    public string? Head { get; init; }

    /// <summary>
    /// Opacity of the heat at its maximum, from 0 (transparent) to 1 (opaque). Default 0.7.
    /// </summary>
    public float Strength
    {
        get;
        init
        {
            if (!(value is >= 0 and <= 1))
                throw new ArgumentOutOfRangeException(nameof(Strength), value, "The strength of the colours must be from 0 to 1.");
            field = value;
        }
    } = 0.7f;

    /// <summary>Text for logs, with name and options, in the invariant culture.</summary>
    public sealed override string ToString() => FormattableString.Invariant(
        $"{Name}, class: {Class ?? "predicted"}{(Head is null ? "" : $", head: {Head}")}, strength: {Strength}");

    /// <summary>The method and its options as text.</summary>
    internal abstract string Name { get; }

    /// <summary>Description of the method for a model file.</summary>
    internal abstract MethodManifest Describe();

    /// <summary>Creates the method for a network.</summary>
    /// <param name="network">The network, prepared for scoring.</param>
    /// <param name="pixels">Size and normalisation of the network's input.</param>
    /// <param name="probe">Input of one picture for a trial run. The caller keeps ownership.</param>
    /// <param name="output">The explained output.</param>
    /// <exception cref="ArgumentException">The network does not support the method.</exception>
    internal abstract HeatMapMethod Bind(FineTunedNetwork network, PictureForm pixels, ModelInputs probe, ExplainedOutput output);
}
