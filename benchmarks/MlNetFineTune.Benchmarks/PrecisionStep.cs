using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>Training steps and frozen forward passes in bfloat16 and in 32-bit floats, by the same loop.</summary>
internal sealed class PrecisionStep : Benchmark
{
    public override string Name => "precision-step";

    public override string Question =>
        "Training steps of all of MobileNetV2, 224 px, batch 16, ready tensors, AdamW: bfloat16 against float32, both ours "
        + "(and of ResNet-18 and MiniLM, and of frozen encoders).";

    public override double Run(bool quick)
    {
        var choice = ReducedPrecision.ChoiceFor(CPU);
        var chosen = $"Precision.Auto: {(choice.Use ? "BFloat16" : "Float32")}, {choice.Reason}.";
        if (!choice.Use)
        {
            BenchmarkRecorder.MeasureNothing(chosen);
            return 1; // both sides are the same
        }
        Console.WriteLine(chosen);
        using var pages = HeapPages.Keep(); // as Fit does
        var ratio = Images("MobileNetV2", Networks.Ours, quick);
        Images("ResNet-18", () => ImageNetwork.Create(Backbone.ResNet18.FromScratch(), Networks.Classes, seed: 1), quick);
        Texts(quick);
        return ratio;
    }

    private static double Images(string name, Func<ImageNetwork> create, bool quick)
    {
        using var scope = NewDisposeScope();
        var (pixels, labels) = Networks.Data();
        var channelsLast = ChannelsLast.Of(pixels);
        using var fast = create();
        using var exact = create();
        fast.UsesBFloat16 = true;
        var stages = exact.Stages.Count;
        using var inBFloat16 = ReadyLoop.OfPixels(fast, stages, channelsLast, labels);
        using var inFloat32 = ReadyLoop.OfPixels(exact, stages, channelsLast, labels);
        var ratio = Compare($"{name}, training step", quick, () => Step(inBFloat16), () => Step(inFloat32));
        fast.PrepareForScoring();
        exact.PrepareForScoring();
        Compare($"{name}, frozen encoder", quick, () => Encode(fast), () => Encode(exact));
        return ratio;

        int Step(ReadyLoop loop)
        {
            loop.Steps(1);
            return Networks.Batch;
        }

        int Encode(ImageNetwork network)
        {
            using var inference = inference_mode();
            using var features = network.ForwardFirst(channelsLast, stages);
            return Networks.Batch;
        }
    }

    private static void Texts(bool quick)
    {
        var texts = new ReadyTexts("train.tsv", every: 29);
        using var fast = ReadyTexts.Network();
        using var exact = ReadyTexts.Network();
        fast.UsesBFloat16 = true;
        using var inBFloat16 = ReadyLoop.OfTexts(fast, texts.Input, texts.Dataset, texts.Labels);
        using var inFloat32 = ReadyLoop.OfTexts(exact, texts.Input, texts.Dataset, texts.Labels);
        var order = new LengthBuckets(texts.Dataset, ReadyTexts.Batch, maxTokens: null)
            .Steps([.. Enumerable.Range(0, texts.Texts.Length)], batchesOfStep: 1, seed: 1, epoch: 1);
        var batch = 0;
        Compare("MiniLM, training step", quick, () => Step(inBFloat16, next: true), () => Step(inFloat32, next: false), "texts/s");
        using var collator = texts.Input.CreateCollator(CPU);
        fast.PrepareForScoring();
        exact.PrepareForScoring();
        Compare("MiniLM, frozen encoder", quick, () => Encode(fast, next: true), () => Encode(exact, next: false), "texts/s");

        // Both sides of a pair get the same batch.
        int[] Rows(bool next) => order.Batches[(next ? ++batch : batch) % order.Batches.Length];

        int Step(ReadyLoop loop, bool next)
        {
            int[] rows = Rows(next);
            loop.Train(new EpochOrder([rows], [0]));
            return rows.Length;
        }

        int Encode(TextNetwork network, bool next)
        {
            using var inference = inference_mode();
            int[] rows = Rows(next);
            byte[] samples = [.. rows.SelectMany(row => texts.Rows[row].Concat(new byte[texts.Input.Length - texts.Rows[row].Length]))];
            using var inputs = collator.Collate(samples, rows.Length);
            using var features = network.ForwardFirst(inputs, network.Stages.Count);
            return rows.Length;
        }
    }

    private static double Compare(string what, bool quick, Func<int> fast, Func<int> exact, string unit = "images/s")
    {
        var (inBFloat16, inFloat32) = ($"{what}, bfloat16", $"{what}, float32");
        var timing = new PairedTiming().Add(inBFloat16, fast).Add(inFloat32, exact).Run(rounds: quick ? 3 : 15, quick);
        timing.Print(inBFloat16, unit);
        return timing.Ratio(inBFloat16, inFloat32);
    }
}
