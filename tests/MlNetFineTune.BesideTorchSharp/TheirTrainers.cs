using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.TorchSharp;
using Microsoft.ML.Transforms.Image;

namespace MlNetFineTune.BesideTorchSharp;

/// <summary>Trainers of Microsoft.ML.TorchSharp on a few rows. The one of answers is left out: its weights are half a gigabyte.</summary>
internal static class TheirTrainers
{
    /// <summary>Prints how each ends.</summary>
    public static void Show(string folder)
    {
        var ml = new MLContext(seed: 1) { TempFilePath = folder };
        TheirWeights.Write(ml, folder);
        var trainers = ml.MulticlassClassification.Trainers;

        var texts = ml.Data.LoadFromEnumerable(
            Enumerable.Range(0, 4).Select(i => new Sentences { Class = i % 2 == 0 ? "a" : "b", Label = i }));
        var keyed = ml.Transforms.Conversion.MapValueToKey("Key", "Class").Append(ml.Transforms.Conversion.MapValueToKey("Keys", "Classes"))
            .Fit(texts).Transform(texts);
        Show("TextClassification", () => trainers.TextClassification("Key", maxEpochs: 1, batchSize: 2).Fit(keyed));
        Show("SentenceSimilarity", () => ml.Regression.Trainers.SentenceSimilarity(maxEpochs: 1, batchSize: 2).Fit(texts));
        Show("NamedEntityRecognition",
            () => trainers.NamedEntityRecognition("Keys", sentence1ColumnName: "Sentence1", maxEpochs: 1, batchSize: 2).Fit(keyed));

        using var image = MLImage.CreateFromPixels(64, 64, MLPixelFormat.Bgra32, new byte[64 * 64 * 4]);
        var scenes = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 2).Select(_ => new Scene { Image = image }));
        var boxed = ml.Transforms.Conversion.MapValueToKey("Label", "Classes").Fit(scenes).Transform(scenes);
        Show("ObjectDetection", () => trainers.ObjectDetection(maxEpoch: 1).Fit(boxed));
    }

    private static void Show(string trainer, Action fit)
    {
        try
        {
            fit();
            Console.WriteLine($"{trainer} trains");
        }
        catch (Exception e)
        {
            var cause = e.GetBaseException();
            Console.WriteLine($"{trainer} {cause.GetType().Name}: {cause.Message.Split('\n')[0]}");
        }
    }

    private sealed class Sentences
    {
        public string Class { get; set; } = "";

        public float Label { get; set; }

        public string[] Classes { get; set; } = ["a", "b", "a"];

        public string Sentence1 { get; set; } = "a good film";

        public string Sentence2 { get; set; } = "a fine film";
    }

    private sealed class Scene
    {
        [ImageType(64, 64)]
        public MLImage Image { get; set; } = null!;

        public string[] Classes { get; set; } = ["a", "b"];

        public float[] BoundingBoxes { get; set; } = [0, 0, 32, 32, 16, 16, 48, 48];
    }
}
