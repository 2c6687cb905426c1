using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Memory and time of activation checkpointing: training steps of a whole network on preloaded pixels, each variant in its own process,
/// with the peak memory reported by the system.
/// </summary>
internal static class ActivationsStudy
{
    public const string Name = "activations";

    public const string Usage = $"{Name} [--backbone NAME] [--batch N] [--steps N] [--quick]";

    private const string One = "--one";

    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is [One, var backbone, var rows, var count, var recomputes])
        {
            Console.WriteLine(JsonSerializer.Serialize(Train(backbone, Whole(rows), Whole(count), bool.Parse(recomputes))));
            return 0;
        }
        var (name, batch, steps) = (Backbone.MobileNetV2.Name, 32, 6);
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--quick")
                (batch, steps) = (4, 2);
            else if (arguments[i] == "--backbone" && i + 1 < arguments.Count)
                name = arguments[++i];
            else if (arguments[i] == "--batch" && i + 1 < arguments.Count)
                batch = Whole(arguments[++i]);
            else if (arguments[i] == "--steps" && i + 1 < arguments.Count)
                steps = Whole(arguments[++i]);
            else
                throw new CannotRunException($"'{arguments[i]}' is not understood. Usage: {Usage}");
        }

        Console.WriteLine($"Training steps of all of {Backbone.FromName(name).Name}, {Networks.Size} px, batch {batch}, ready pixels, "
            + $"AdamW; medians of {steps} steps\n");
        Console.WriteLine("| activations | seconds a step | peak memory, MiB | of that before the first step |");
        Console.WriteLine("|---|---|---|---|");
        var kept = Print("kept", recomputes: false);
        var again = Print("computed again", recomputes: true);
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"\nloss of the last step: {kept.Loss:0.0000000} and {again.Loss:0.0000000}"));
        return 0;

        Outcome Print(string what, bool recomputes)
        {
            var outcome = StudyProcess.Run<Outcome>(Name, One, name, $"{batch}", $"{steps}", $"{recomputes}");
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture,
                    $"| {what} | {outcome.Seconds:0.00} | {outcome.PeakMegabytes:0} | {outcome.MegabytesBefore:0} |"));
            return outcome;
        }
    }

    private static Outcome Train(string name, int batch, int steps, bool recomputes)
    {
        using var scope = NewDisposeScope();
        var random = new Random(1);
        var values = new float[batch * 3 * Networks.Size * Networks.Size];
        for (var i = 0; i < values.Length; i++)
            values[i] = random.NextSingle() * 2 - 1;
        var pixels = ChannelsLast.Of(tensor(values, [batch, 3, Networks.Size, Networks.Size]));
        using var classifier = ImageNetwork.Create(Backbone.FromName(name).FromScratch(), Networks.Classes, seed: 1);
        using var loop = ReadyLoop.OfPixels(
            classifier, classifier.Backbone.Stages.Count, pixels, [.. Enumerable.Range(0, batch).Select(i => i % Networks.Classes)],
            recomputes);
        using var process = Process.GetCurrentProcess();
        var before = process.PeakWorkingSet64;
        var (seconds, loss) = (new List<double>(), 0.0);
        for (var step = 0; step <= steps; step++)
        {
            var watch = Stopwatch.StartNew();
            loss = loop.Steps(1);
            if (step > 0) // the first step allocates memory
                seconds.Add(watch.Elapsed.TotalSeconds);
        }
        process.Refresh();
        return new Outcome(seconds.Order().ElementAt(seconds.Count / 2), process.PeakWorkingSet64 / (double)(1 << 20),
            before / (double)(1 << 20), loss);
    }

    private static int Whole(string text) => int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
        : throw new CannotRunException($"'{text}' must be a whole number above 0. Usage: {Usage}");

    private sealed record Outcome(double Seconds, double PeakMegabytes, double MegabytesBefore, double Loss);
}
