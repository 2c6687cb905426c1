using System.Diagnostics;
using System.Globalization;
using MlNetFineTune;
using MlNetFineTune.Training;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Pretrain;

/// <summary>Steps of AdamW with a linear schedule; prints the mean of loss and accuracy at regular intervals.</summary>
/// <param name="name">What is trained, for the lines.</param>
/// <param name="steps">Number of steps.</param>
/// <param name="learningRate">Learning rate after warm-up.</param>
internal sealed class PretrainingLoop(string name, int steps, double learningRate)
{
    private const int Lines = 40;

    /// <param name="parameters">The trained parameters.</param>
    /// <param name="batches">The batches, at least as many as steps.</param>
    /// <param name="run">Loss and share of right predictions of a batch.</param>
    public void Run<T>(IReadOnlyList<Parameter> parameters, IEnumerable<T> batches, Func<T, (Tensor Loss, Tensor Right)> run)
    {
        using var optimizer = Optimizer.AdamW().CreateState(
        [
            new ParameterGroup([.. parameters.Where(parameter => parameter.ndim >= 2)], LearningRateScale: 1, Decays: true),
            new ParameterGroup([.. parameters.Where(parameter => parameter.ndim < 2)], LearningRateScale: 1, Decays: false),
        ]);
        var schedule = LearningRateSchedule.Linear(warmup: 0.05f);
        var clipping = GradientClipping.Norm(1);
        var watch = Stopwatch.StartNew();
        var (sumOfLosses, sumOfRight, count) = (0.0, 0.0, 0);
        foreach (var (step, batch) in batches.Take(steps).Index())
        {
            using var scope = NewDisposeScope();
            var (loss, right) = run(batch);
            loss.backward();
            clipping.Clip(parameters, []);
            optimizer.Step(learningRate * schedule.FactorAt(step, steps));
            optimizer.ZeroGradients();
            (sumOfLosses, sumOfRight, count) = (sumOfLosses + loss.item<float>(), sumOfRight + right.item<float>(), count + 1);
            if ((step + 1) % Math.Max(steps / Lines, 1) == 0 || step + 1 == steps)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{watch.Elapsed:h\\:mm\\:ss} {name} step {step + 1}/{steps} loss {sumOfLosses / count:0.000} "
                        + $"accuracy {sumOfRight / count:0.000}"));
                (sumOfLosses, sumOfRight, count) = (0, 0, 0);
            }
        }
    }
}
