using Microsoft.ML.Runtime;
using MlNetFineTune.Heads;
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

    public static float[] Score(ImageClassifier classifier, Objective objective)
    {
        var size = classifier.Definition.Preprocessing.Size;
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        using var intake = classifier.CreateIntake();
        return [.. objective.ScoresOf(classifier.ForwardRest(intake.ToTensor(Draw(size), 1), first: 0)).cpu().data<float>()];
    }

    /// <summary>Warns, or fails, where the scores are others than those of the training.</summary>
    public static void Check(IChannel channel, string noun, IReadOnlyList<float> actual, IReadOnlyList<float> expected, ProbeMismatch onMismatch)
    {
        var difference = actual.Zip(expected, (a, b) => MathF.Abs(a - b) / MathF.Max(1, MathF.Abs(b))).Max();
        if (difference <= Tolerance)
            return;
        var message = FormattableString.Invariant($"The model scores its probe {noun} otherwise than where it was trained: the greatest difference is {difference:0.0000}, at most {Tolerance} is expected. Compare the versions in its {ArchiveFiles.ManifestStream} with yours.");
        if (onMismatch == ProbeMismatch.Throw)
            throw new InvalidDataException(message);
        channel.Warning(message);
    }

    /// <summary>Soft coloured waves of three lengths: [size, size, 3].</summary>
    internal static byte[] Draw(int size)
    {
        var pixels = new byte[size * size * 3];
        for (var y = 0; y < size; y++)
        {
            for (var x = 0; x < size; x++)
            {
                for (var c = 0; c < 3; c++)
                {
                    var wave = Math.Sin((x + 1) * (0.05 + 0.03 * c)) + Math.Sin((y + 1) * (0.07 + 0.02 * c)) + Math.Sin((x + y) * 0.21);
                    pixels[(y * size + x) * 3 + c] = (byte)(127.5 + 42 * wave);
                }
            }
        }
        return pixels;
    }
}
