using System.Diagnostics;
using System.Globalization;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Speed of a network with the settings of this process (<c>ONEDNN_MAX_CPU_ISA</c>, a processor simulated by <c>tools/processors</c>): the
/// forward pass of scoring, and a step of full training without the training loop. Run it alternately with each setting:
/// docs/reliability.md.
/// </summary>
internal static class NetworkSpeed
{
    public const string Name = "network-speed";

    public const string Usage = $"{Name} [--backbone NAME] [--rounds N]";

    public static int Run(IReadOnlyList<string> arguments)
    {
        var (name, rounds) = (Backbone.MobileNetV2.Name, 8);
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--backbone" && i + 1 < arguments.Count)
                name = arguments[++i];
            else if (arguments[i] == "--rounds" && i + 1 < arguments.Count
                && int.TryParse(arguments[i + 1], CultureInfo.InvariantCulture, out var number) && number > 0)
                (rounds, i) = (number, i + 1);
            else
                throw new CannotRunException($"'{arguments[i]}' is not understood. Usage: {Usage}");
        }

        using var classifier = ImageNetwork.Create(Backbone.FromName(name).FromScratch(), Networks.Classes, seed: 1);
        var (data, _) = Networks.Data();
        using var pixels = ChannelsLast.Of(data);
        data.Dispose();
        var step = Time(rounds, () =>
        {
            classifier.BeginTraining(frozenStages: 0);
            using var scope = NewDisposeScope();
            classifier.ForwardRest(pixels, first: 0).sum().backward();
            foreach (var parameter in classifier.Parameters())
                parameter.Parameter.grad = null;
        });
        classifier.PrepareForScoring();
        var forward = Time(rounds, () =>
        {
            using var scope = NewDisposeScope();
            using var inference = inference_mode();
            classifier.ForwardRest(pixels, first: 0);
        });
        Console.WriteLine($"{Processor.Current}; oneDNN {(CacheSizes.UsersSetting is { } setting ? $"limited to {setting}" : "as it is")}");
        Console.WriteLine(FormattableString.Invariant(
            $"| {name} | scoring {Networks.Batch / forward:0.0} images/s | training {Networks.Batch / step:0.0} images/s |"));
        return 0;
    }

    // The median without the first round, which allocates memory.
    private static double Time(int rounds, Action run)
    {
        run();
        var seconds = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            var watch = Stopwatch.StartNew();
            run();
            seconds.Add(watch.Elapsed.TotalSeconds);
        }
        return seconds.Order().ElementAt(rounds / 2);
    }
}
