using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Benchmarks;

/// <summary>One start of <see cref="ColdStart"/>: a new process that loads a model and scores one photo.</summary>
internal static class ColdStartProcess
{
    public const string Name = "cold-start-process";

    /// <summary>
    /// What a process starts: nothing, a model on TorchSharp (and the same after libtorch, so that both are timed apart), ML.NET's chain
    /// on ONNX Runtime, and that runtime by itself.
    /// </summary>
    public const string Empty = "empty", Torch = "torchsharp", InTurn = "in-turn", Chain = "onnx-chain", Runtime = "onnxruntime";

    private const int WarmPredictions = 20;

    /// <param name="arguments">What to start, the file of the model, a photo, and when the process was started.</param>
    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is not [var what, var file, var photo, var started])
            throw new CannotRunException($"Usage: {Name} WHAT MODEL PHOTO TIMESTAMP");
        var clock = new Phases(long.Parse(started, CultureInfo.InvariantCulture));
        clock.End(); // of the start of .NET
        var seconds = what switch
        {
            InTurn => OfModel(clock, file, photo, TorchRuntime.EnsureLoaded),
            Torch or Chain => OfModel(clock, file, photo, () => { }),
            Runtime => OfRuntime(clock, file),
            _ => clock.Seconds(warm: 0),
        };
        Console.WriteLine(JsonSerializer.Serialize(seconds));
        return 0;
    }

    private static Result OfModel(Phases clock, string file, string photo, Action loadLibrary)
    {
        loadLibrary();
        clock.End();
        var ml = new MLContext();
        var model = ml.Model.Load(file, out _);
        clock.End();
        using var engine = ml.Model.CreatePredictionEngine<Photo, Prediction>(model);
        var row = new Photo { ImagePath = photo };
        _ = engine.Predict(row).Score[0];
        clock.End();
        return clock.Seconds(Warm(() => engine.Predict(row)));
    }

    // Ready pixels: what decoding costs is not in it.
    private static Result OfRuntime(Phases clock, string file)
    {
        clock.End();
        using var session = new InferenceSession(file);
        clock.End();
        using var pixels = new ReadyPixels(session);
        pixels.Run();
        clock.End();
        return clock.Seconds(Warm(pixels.Run));
    }

    // Median of predictions after the first.
    private static double Warm(Action predict) => PairedTiming.Median(Enumerable.Range(0, WarmPredictions).Select(_ =>
    {
        var watch = Stopwatch.StartNew();
        predict();
        return watch.Elapsed.TotalSeconds;
    }).ToList());

    /// <summary>Seconds of the parts of a start, from that of the process.</summary>
    /// <param name="Parts">
    /// .NET until <c>Main</c>, the native library, the model, the first prediction; fewer where the process does less.
    /// </param>
    /// <param name="Warm">A prediction after the first ones.</param>
    public sealed record Result(double[] Parts, double Warm);

    public sealed class Photo
    {
        [KeyType(Networks.Classes)]
        public uint Label { get; set; }

        public string ImagePath { get; set; } = "";
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];
    }

    // Timestamps of Stopwatch are those of one clock in all processes of a machine.
    private sealed class Phases(long begin)
    {
        private readonly List<double> _seconds = [];

        public void End()
        {
            var now = Stopwatch.GetTimestamp();
            _seconds.Add(Stopwatch.GetElapsedTime(begin, now).TotalSeconds);
            begin = now;
        }

        public Result Seconds(double warm) => new([.. _seconds], warm);
    }
}
