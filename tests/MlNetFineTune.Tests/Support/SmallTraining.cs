using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Tests.Support;

/// <summary>A training of a second or less on <see cref="SmallPictures"/>.</summary>
internal static class SmallTraining
{
    private static readonly Lazy<byte[]> s_zip = new(TrainOnce);

    public static Backbone Backbone { get; } = Backbone.Micro.FromScratch() with
    {
        Preprocessing = new ImagePreprocessing { Size = 32, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half },
    };

    /// <summary>Everything trains, no augmentation, no validation, seed 1.</summary>
    public static ImageFineTuningOptions Options => new()
    {
        Backbone = Backbone,
        Strategy = Strategy.Full(1),
        Augmentation = Augmentation.None,
        Validation = ValidationData.None,
        LearningRate = 3e-3f,
        Epochs = 2,
        BatchSize = 8,
        Seed = 1,
    };

    /// <summary>Text labels become keys, then the trainer.</summary>
    public static FineTuningTransformer Fit(MLContext ml, ImageFineTuningOptions options, IEnumerable<Photo> photos) =>
        ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(WithKeys(ml, SmallPictures.View(ml, photos)));

    /// <summary>The label column as a key, numbered as <see cref="SmallPictures.Classes"/>, whatever the data hold.</summary>
    public static IDataView WithKeys(MLContext ml, IDataView data)
    {
        var classes = ml.Data.LoadFromEnumerable(SmallPictures.Classes.Select(name => new ClassName { Name = name }));
        return ml.Transforms.Conversion.MapValueToKey("Label", keyData: classes).Fit(data).Transform(data);
    }

    /// <summary>The same good model every time, loaded: over 0.9 on pictures it has not seen. The caller disposes it.</summary>
    public static FineTuningTransformer LoadModel(MLContext ml) =>
        (FineTuningTransformer)ml.Model.Load(new MemoryStream(s_zip.Value), out _);

    public static byte[] ModelZip => [.. s_zip.Value];

    public static byte[] Save(MLContext ml, ITransformer model, DataViewSchema? schema = null)
    {
        using var stream = new MemoryStream();
        ml.Model.Save(model, schema, stream);
        return stream.ToArray();
    }

    public static byte[] WeightsOf(FineTuningTransformer model)
    {
        var path = Path.Combine(SmallPictures.NewFolder(), "weights.safetensors");
        model.SaveWeights(path);
        return File.ReadAllBytes(path);
    }

    public static float[][] Scores(IDataView scored, string column = "Score") => [.. scored.GetColumn<float[]>(column)];

    public static uint[] PredictedKeys(IDataView scored, string column = "PredictedLabel") => [.. scored.GetColumn<uint>(column)];

    /// <summary>Equal bit for bit, NaN included.</summary>
    public static void AssertSameBits(IReadOnlyList<float[]> expected, IReadOnlyList<float[]> actual)
    {
        Assert.HasCount(expected.Count, actual);
        for (var i = 0; i < expected.Count; i++)
            CollectionAssert.AreEqual(Bits(expected[i]), Bits(actual[i]),
                $"row {i}: {string.Join(" ", expected[i])} and {string.Join(" ", actual[i])}");
    }

    public static void AssertClose(IReadOnlyList<float[]> expected, IReadOnlyList<float[]> actual, float tolerance = 1e-5f)
    {
        Assert.HasCount(expected.Count, actual);
        for (var i = 0; i < expected.Count; i++)
        {
            Assert.HasCount(expected[i].Length, actual[i]);
            for (var c = 0; c < expected[i].Length; c++)
                Assert.AreEqual(expected[i][c], actual[i][c], tolerance, $"row {i}, class {c}");
        }
    }

    public static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];

    private static byte[] TrainOnce()
    {
        var ml = new MLContext();
        using var model = Fit(ml, Options with { Epochs = 6 }, SmallPictures.Take(20));
        return Save(ml, model);
    }

    private sealed class ClassName
    {
        public string Name { get; set; } = "";
    }
}
