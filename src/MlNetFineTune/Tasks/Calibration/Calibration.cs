namespace MlNetFineTune;

/// <summary>
/// Calibration of a classifier's probabilities: fully fine-tuned networks are usually overconfident. The calibration is fitted on the
/// validation rows, on which the best epoch was selected too: evaluate the result on test data.
/// </summary>
public abstract partial record Calibration
{
    private protected Calibration()
    {
    }

    /// <summary>No calibration. The default.</summary>
    public static Calibration None { get; } = new NoCalibration();

    /// <summary>
    /// Temperature scaling: divides the logits by one number, the temperature, that minimises the negative log-likelihood of the validation
    /// rows (Guo et al. 2017, https://arxiv.org/abs/1706.04599, section 4.2). The predicted class does not change. Rows are not weighted.
    /// Requires validation data. The result is in <see cref="FineTuningTransformer.Calibration"/>.
    /// </summary>
    /// <param name="targetPrecision">
    /// Target precision of <see cref="Calibration.Report.RejectThresholds"/>. Above 0, at most 1. Default 0.95.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="targetPrecision"/> is out of range.</exception>
    public static Calibration Temperature(float targetPrecision = 0.95f) => new TemperatureCalibration(targetPrecision);

    /// <summary>Whether it is fitted on validation rows.</summary>
    internal bool IsFitted => this is TemperatureCalibration;

    /// <summary>See <see cref="LearningTask.NeedsValidation"/>.</summary>
    internal string? NeedsValidation => IsFitted ? "Calibration needs validation: the temperature is fitted on its rows." : null;

    private sealed record NoCalibration : Calibration
    {
        public override string ToString() => nameof(None);
    }

    internal sealed record TemperatureCalibration : Calibration
    {
        public TemperatureCalibration(float targetPrecision) => TargetPrecision = targetPrecision is > 0 and <= 1
            ? targetPrecision
            : throw new ArgumentOutOfRangeException(
                nameof(targetPrecision), targetPrecision, "The target precision must be above 0 and at most 1.");

        public float TargetPrecision { get; }

        public override string ToString() => FormattableString.Invariant($"Temperature(targetPrecision: {TargetPrecision})");
    }
}
