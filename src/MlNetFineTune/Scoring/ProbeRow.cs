using System.Runtime.InteropServices;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>A row by formula whose scores are kept in the model: a factory that makes another network of the same weights is found out.</summary>
internal static class ProbeRow
{
    /// <summary>Of the row, so many times in one batch: [count, outputs] in a row.</summary>
    public static float[] Score(
        ModuleNetwork network, Objective objective, IReadOnlyList<ModuleInput> inputs, IReadOnlyList<ModuleContext.InputShape> shapes,
        int count = 1)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        using var intake = network.CreateIntake();
        var row = inputs.Zip(shapes, (input, shape) => input is ModuleInput.PictureInput picture ? Probe.Draw(picture.Preprocessing.Size) : Numbers(shape)).SelectMany(bytes => bytes).ToArray();
        return [.. objective.ScoresOf(network.ForwardRest(intake.ToTensor(Probe.Repeat(row, count), count), first: 0)).cpu().data<float>()];
    }

    private static byte[] Numbers(ModuleContext.InputShape shape)
    {
        var values = new float[shape.Size];
        for (var i = 0; i < values.Length; i++)
            values[i] = shape.KeyCount > 0 ? (i + 1) % shape.KeyCount : (float)Math.Sin(0.7 * (i + 1));
        return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }
}
