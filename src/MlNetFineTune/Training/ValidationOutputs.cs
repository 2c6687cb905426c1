using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>Computes the outputs of the trained network for the validation rows again.</summary>
internal static class ValidationOutputs
{
    /// <param name="run">The run, whose network is prepared for scoring. Rows that cannot be read are skipped.</param>
    public static RowOutputs Compute(TrainingRun run) => NetworkPass.Run(run, run.Data.Validation, withFeatures: false).Outputs;
}
