namespace MlNetFineTune;

/// <summary>
/// Whether the probabilities of a model are adjusted to how often it is right: fully trained networks are usually overconfident. The
/// calibration is fitted to the validation rows, which selected the epoch as well: evaluate the result on test data.
/// </summary>
public abstract partial record Calibration
{
    private protected Calibration()
    {
    }

    /// <summary>Probabilities are not adjusted. The default.</summary>
    public static Calibration None { get; } = new NoCalibration();

    /// <summary>
    /// Divides the logits by one number, the temperature, that makes the validation rows' negative log-likelihood smallest (Guo et al.
    /// 2017, https://arxiv.org/abs/1706.04599, section 4.2). The most probable class stays the same. Each row counts once.
    /// Needs validation. The result is in <see cref="FineTuningTransformer.Calibration"/>.
    /// </summary>
    /// <param name="targetPrecision">Precision of
    /// <see cref="Calibration.Report.RejectThresholds"/>. Above 0, at most 1. Default 0.95.</param>
    public static Calibration Temperature(float targetPrecision = 0.95f) => new TemperatureCalibration(targetPrecision);

    /// <summary>Whether something is fitted to validation rows.</summary>
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
