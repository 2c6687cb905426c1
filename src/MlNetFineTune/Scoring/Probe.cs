using System.Globalization;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>
/// A picture by formula whose scores are kept in the model: if another machine or version computes something else, loading finds out. It is
/// drawn, not photographed, so that no training picture leaves with the model.
/// </summary>
internal static class Probe
{
    /// <summary>Differences of the CPU stay below this; a wrong weight, padding or preprocessing does not.</summary>
    public const float Tolerance = 1e-3f;

    private const int FullBatch = 16;
    private const int FullBatchNumbers = FullBatch * 3 * 224 * 224; // larger pictures make a smaller batch, so that loading stays quick

    /// <summary>Scores of the input's probe sample, so many times in one batch: [count, scores] in a row.</summary>
    public static float[] Score(FineTunedNetwork network, ModelInput input, Objective objective, int count = 1) =>
        Score(network, input, ScoreFunction.Of(objective), count);

    /// <inheritdoc cref="Score(FineTunedNetwork, ModelInput, Objective, int)"/>
    public static float[] Score(FineTunedNetwork network, ModelInput input, ScoreFunction function, int count = 1)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        using var collator = input.CreateCollator(network.Device);
        var samples = collator.Collate(Repeat(input.ProbeSample(), count), count);
        return [.. function.Compute(network, samples).cpu().data<float>()];
    }

    /// <summary>
    /// Scores the probe alone and in a full batch, and says where the scores are others than those of the training: CPUs compute a batch by
    /// other ways than one row, so that one can be right where the other is wrong.
    /// </summary>
    /// <param name="channel">For warnings.</param>
    /// <param name="noun">Noun of the row in messages: picture or row.</param>
    /// <param name="numbers">That one probe enters the network as.</param>
    /// <param name="score">Scores the given number of probes in one batch.</param>
    /// <param name="expected">Scores of one probe on the machine of the training.</param>
    /// <param name="onMismatch">Action where the scores differ.</param>
    /// <param name="onBatchMismatch">What to do where a batch of the same is scored otherwise than one.</param>
    /// <exception cref="InvalidDataException">There is a difference, and it is to be an error.</exception>
    public static void Check(
        IChannel channel, string noun, int numbers, Func<int, float[]> score, IReadOnlyList<float> expected,
        ProbeMismatch onMismatch, ProbeMismatch onBatchMismatch)
    {
        var alone = score(1);
        Report(channel, Difference(alone, expected), onMismatch, difference => FormattableString.Invariant(
            $"The model scores its probe {noun} otherwise than where it was trained: the greatest difference is {difference:0.0000}, ")
            + FormattableString.Invariant(
                $"at most {Tolerance} is expected. Compare the versions in its {ArchiveFiles.ManifestStream} with yours."));

        var batch = Math.Clamp(FullBatchNumbers / numbers, 2, FullBatch);
        var together = score(batch);
        var greatest = together.Chunk(alone.Length).Max(row => Difference(row, alone));
        Report(channel, greatest, onBatchMismatch,
            difference => string.Create(CultureInfo.InvariantCulture,
                $"The model scores its probe {noun} otherwise in a batch of {batch} than alone: "
                + $"the greatest difference is {difference:0.0000}, ")
            + FormattableString.Invariant(
                $"at most {Tolerance} is expected. Either the network mixes the rows of a batch, or this processor ")
            + $"({Processor.Current}) computes wrong. {ArithmeticCheck.Advice}");
    }

    /// <summary>Of a model that was loaded, and is ready to score.</summary>
    public static void Check(IChannel channel, FineTunedModel model)
    {
        var (network, input, task, manifest) = model;
        var isOurs = network.Definition is not null && network.Device.type == DeviceType.CPU; // a module may mix the rows of a batch
        Check(
            channel, input.Pixels is not null ? "picture" : "row", input.Shapes.Sum(shape => shape.Size),
            count => Score(network, input, task.Scoring, count), manifest.ProbeScores,
            manifest.OnProbeMismatch, isOurs ? ProbeMismatch.Throw : manifest.OnProbeMismatch);
    }

    /// <summary>The bytes of a row so many times.</summary>
    internal static byte[] Repeat(byte[] row, int count)
    {
        var rows = new byte[checked(row.Length * count)];
        for (var i = 0; i < count; i++)
            row.CopyTo(rows, i * row.Length);
        return rows;
    }

    // NaN, which compares with nothing, is a difference.
    private static float Difference(IReadOnlyList<float> actual, IReadOnlyList<float> expected) =>
        actual.Zip(expected, (a, b) => a.Equals(b) ? 0 : MathF.Abs(a - b) / MathF.Max(1, MathF.Abs(b)))
            .Max(difference => float.IsNaN(difference) ? float.PositiveInfinity : difference);

    private static void Report(IChannel channel, float difference, ProbeMismatch onMismatch, Func<float, string> describe)
    {
        if (difference <= Tolerance)
            return;
        var message = describe(difference);
        if (onMismatch == ProbeMismatch.Throw)
            throw new InvalidDataException(message);
        channel.Warning(message);
    }
}
