using MlNetFineTune.Networks;
using MlNetFineTune.Transforms;

namespace MlNetFineTune;

/// <summary>
/// How <c>ml.Transforms.ExplainImages</c> finds what in a picture speaks for an output of a model. All methods look at the view of the
/// picture that scoring takes, the centre crop; of test-time augmentation's further views they see none.
/// </summary>
/// <remarks>
/// A map shows where the network's numbers come from. It does not show that the reason is a good one, and two methods may differ. What they
/// are worth on drawn pictures with evidence of a known place is in docs/explanations.md.
/// </remarks>
public abstract record Explanation
{
    private protected Explanation()
    {
    }

    /// <summary>
    /// The maps that a stage of the network computes, each weighted by the mean gradient of the explained output by it, added up, and what
    /// is negative set to 0 (Selvaraju et al. 2017, "Grad-CAM", https://arxiv.org/abs/1610.02391). One forward pass, and the gradient of
    /// what follows the stage: little more than scoring costs. For networks whose stages give maps: convolutions. As coarse as the stage's
    /// maps, such as 7 x 7 for 224 pixels in the last one.
    /// </summary>
    /// <param name="stage">
    /// One of the network's stages, as <see cref="Backbone.Stages"/> names them. An earlier one gives finer maps of simpler things. Default
    /// null: the last stage whose output is maps of more than one place.
    /// </param>
    public static Explanation GradCam(string? stage = null) => new GradCam(stage);

    /// <summary>
    /// How much of each patch's token arrives in the features by self-attention: the product of the blocks' attention, averaged over heads,
    /// each half its own and half the residual connection's (Abnar and Zuidema 2020, https://arxiv.org/abs/2005.00928, section 3). For
    /// vision transformers. It says where the network looked, whatever it made of it: it is the same for every class, so
    /// <see cref="Class"/> and <see cref="Head"/> stay null. One forward pass.
    /// </summary>
    public static Explanation AttentionRollout() => new AttentionRollout();

    /// <summary>
    /// Each pixel's share of the difference that the picture makes to the explained output, against a picture of one colour: the gradient,
    /// averaged along the straight line between the two, times what the pixel changes (Sundararajan et al. 2017,
    /// https://arxiv.org/abs/1703.01365). The shares add up to that difference ("completeness"); they are negative where a pixel speaks
    /// against it. For every network, a module's and a TorchScript program's too. As fine as the pixels, and as noisy; a gradient of the
    /// whole network for each step.
    /// </summary>
    /// <param name="steps">Points on the line, at the middles of as many equal parts. 1 to 10,000. Default 32.</param>
    /// <param name="baseline">
    /// The colour of the picture that says nothing, each part from 0 to 1. What has that colour can have no share. Default null: black.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static Explanation IntegratedGradients(int steps = 32, ColorTriple? baseline = null) =>
        new IntegratedGradients(steps, baseline ?? default);

    /// <summary>
    /// Name of the class or label that is explained, as in <see cref="FineTuningTransformer.Classes"/>; "True" or "False" for a binary
    /// model. Default null: the predicted one of each picture; of several labels a picture, the one that is farthest above its threshold;
    /// where a number is predicted, what makes it greater.
    /// </summary>
    public string? Class { get; init; }

    /// <summary>Label column of the explained head, where a model has several (<see cref="LearningTask.Several"/>). Default null: the model
    /// has one.</summary>
    public string? Head { get; init; }

    /// <summary>
    /// How much the colours of the heat cover the picture where it is hottest: from 0, not at all, to 1, wholly. Default 0.7.
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

    /// <summary>Name and options, with the same numbers in every culture.</summary>
    public sealed override string ToString() => FormattableString.Invariant(
        $"{Name}, class: {Class ?? "predicted"}{(Head is null ? "" : $", head: {Head}")}, strength: {Strength}");

    /// <summary>The method and its options, in words.</summary>
    internal abstract string Name { get; }

    /// <summary>What a model file says of the method.</summary>
    internal abstract MethodManifest Describe();

    /// <summary>The method on a network.</summary>
    /// <param name="network">Ready to score.</param>
    /// <param name="pixels">How pictures enter it.</param>
    /// <param name="probe">One picture's input, which may be run. Stays the caller's.</param>
    /// <param name="output">What is explained.</param>
    /// <exception cref="ArgumentException">The method is not possible for the network.</exception>
    internal abstract HeatMapMethod Bind(FineTunedNetwork network, PictureForm pixels, ModelInputs probe, ExplainedOutput output);
}
