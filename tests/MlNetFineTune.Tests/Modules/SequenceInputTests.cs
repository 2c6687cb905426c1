using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Rows of different length, padded to the longest of their batch, with a mask beside them.</summary>
[TestClass]
public sealed class SequenceInputTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void WordsOfDifferentNumberAreLearntSavedAndScoredOneByOne()
    {
        var words = _ml.Transforms.Text.TokenizeIntoWords("Words", nameof(Note.Text))
            .Append(_ml.Transforms.Conversion.MapValueToKey("Words"));
        var chain = words.Append(_ml.BinaryClassification.Trainers.FineTuneModule(new ModuleFineTuningOptions
        {
            Factory = new AverageOfWordsFactory(),
            Inputs = [ModuleInput.Sequence("Words", maximumLength: 6)],
            LabelColumnName = nameof(Note.IsGood),
            Epochs = 12,
            BatchSize = 16,
            LearningRate = 0.05f,
            Seed = 1,
        }));
        using var model = chain.Fit(_ml.Data.LoadFromEnumerable(Note.Many(160, seed: 1)));
        Note[] notes = Note.Many(60, seed: 2);
        var scored = model.Transform(_ml.Data.LoadFromEnumerable(notes));
        Assert.IsGreaterThan(0.9, _ml.BinaryClassification.Evaluate(scored, nameof(Note.IsGood)).Accuracy);
        var together = scored.GetColumn<float>("Score").ToArray();

        using var file = new MemoryStream();
        _ml.Model.Save(model, null, file);
        var loaded = _ml.Model.Load(new MemoryStream(file.ToArray()), out _);
        using var disposable = (IDisposable)loaded;
        using var engine = _ml.Model.CreatePredictionEngine<Note, Judged>(loaded);
        for (var i = 0; i < notes.Length; i++)
        {
            Assert.AreEqual(
                together[i], engine.Predict(notes[i]).Score, 1e-5f, "padding changes nothing, whatever else is in the batch");
        }
    }

    [TestMethod]
    public void TheModuleSeesStepsPaddedToTheLongestAndAMask()
    {
        var rows = Steps(lengths: [2, 4, 1, 3], stepSize: 2);
        (long[] Shape, float[] Values, bool[] Mask) seen = default;
        AnyFactory.Make = context =>
        {
            CollectionAssert.AreEqual(new long[] { 5, 2 }, context.Inputs[0].Dimensions.ToArray());
            CollectionAssert.AreEqual(new long[] { 5 }, context.Inputs[1].Dimensions.ToArray());
            Assert.AreEqual("Steps.Mask", context.Inputs[1].Column);
            return new SumOfSteps((steps, mask) =>
                seen = (steps.shape, steps.data<float>().ToArray(), mask.data<bool>().ToArray()));
        };
        var options = new ModuleFineTuningOptions
        {
            Factory = new AnyFactory(),
            Inputs = [ModuleInput.Sequence("Steps", 5, 2)],
            BatchSize = 4,
            Epochs = 1,
            Validation = ValidationData.None,
        };

        using var model = _ml.Regression.Trainers.FineTuneModule(options).Fit(_ml.Data.LoadFromEnumerable(rows));
        Assert.HasCount(4, model.Transform(_ml.Data.LoadFromEnumerable(rows)).GetColumn<float>("Score"));

        CollectionAssert.AreEqual(new long[] { 4, 4, 2 }, seen.Shape, "the longest has four steps, though five may enter");
        var expected = rows.SelectMany(row => row.Steps.Concat(new float[8 - row.Steps.Length])).ToArray();
        CollectionAssert.AreEqual(expected, seen.Values);
        bool[] mask = [true, true, false, false, true, true, true, true, true, false, false, false, true, true, true, false];
        CollectionAssert.AreEqual(mask, seen.Mask);
    }

    [TestMethod]
    public void WhatIsTooLongIsCutAndSaid()
    {
        var log = new LogLines(_ml);
        long longest = 0;
        AnyFactory.Make = _ => new SumOfSteps((steps, _) => longest = Math.Max(longest, steps.shape[1]));
        var options = Options() with { Inputs = [ModuleInput.Sequence("Steps", 3, 2)] };

        _ml.Regression.Trainers.FineTuneModule(options).Fit(_ml.Data.LoadFromEnumerable(Steps([2, 4, 1, 9], 2))).Dispose();

        Assert.AreEqual(3, longest);
        Assert.IsTrue(
            log.All.Any(line => line.Contains("2 of 4 rows have more than 3 steps in column 'Steps'", StringComparison.Ordinal)),
            string.Join('\n', log.All));
    }

    [TestMethod]
    public void RowsThatAreNoSequenceAreNamed()
    {
        AnyFactory.Make = _ => new SumOfSteps((_, _) => { });
        StringAssert.Contains(Fails(Steps([2, 0, 1], 2)), "column 'Steps' is empty");
        StringAssert.Contains(Fails([new Row { Steps = [1, 2, 3] }]), "has 3 numbers, which are no whole steps of [2] = 2");
        StringAssert.Contains(Fails([new Row { Steps = [1, float.NaN] }]), "column 'Steps' is missing (NaN) in slot 1");

        string Fails(Row[] rows) => Assert.Throws<Exception>(
            () => _ml.Regression.Trainers.FineTuneModule(Options()).Fit(_ml.Data.LoadFromEnumerable(rows)).Dispose()).Message;
    }

    [TestMethod]
    public void ColumnsOfOtherTypesAndImpossibleLengthsAreRefused()
    {
        var data = _ml.Data.LoadFromEnumerable(Steps([2, 3], 2));
        StringAssert.Contains(Fails(ModuleInput.Sequence("Label", 3)), "Vector of Single or of Key");
        StringAssert.Contains(Fails(ModuleInput.Sequence("None", 3)), "'None'");
        StringAssert.Contains(Fails("Steps"), "ModuleInput.Sequence for rows of different length");
        var masked = _ml.Transforms.CopyColumns("Steps.Mask", "Label").Fit(data).Transform(data);
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(() => _ml.Regression.Trainers.FineTuneModule(
                Options() with { Inputs = [ModuleInput.Sequence("Steps", 3, 2), "Steps.Mask"] }).Fit(masked)).Message,
            "called 'Steps.Mask'");

        Assert.Throws<ArgumentOutOfRangeException>(() => ModuleInput.Sequence("Steps", 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ModuleInput.Sequence("Steps", 4, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ModuleInput.Sequence("Steps", 1 << 20, 1 << 20));

        string Fails(ModuleInput input) => Assert.Throws<Exception>(
            () => _ml.Regression.Trainers.FineTuneModule(Options() with { Inputs = [input] }).Fit(data).Dispose()).Message;
    }

    private static ModuleFineTuningOptions Options() => new()
    {
        Factory = new AnyFactory(),
        Inputs = [ModuleInput.Sequence("Steps", 5, 2)],
        Epochs = 1,
        Validation = ValidationData.None,
    };

    private static Row[] Steps(int[] lengths, int stepSize) => [.. lengths.Select((length, i) => new Row
    {
        Steps = [.. Enumerable.Range(0, length * stepSize).Select(n => i + 0.1f * n)],
        Label = i,
    })];

    private sealed class Row
    {
        public float[] Steps { get; set; } = [];

        public float Label { get; set; }
    }

    public sealed class Note
    {
        private static readonly string[] s_good = ["fine", "great", "lovely"], s_bad = ["poor", "awful", "late"];
        private static readonly string[] s_other = ["the", "parcel", "was", "really", "and"];

        public string Text { get; set; } = "";

        public bool IsGood { get; set; }

        public static Note[] Many(int count, int seed)
        {
            var random = new Random(seed);
            return [.. Enumerable.Range(0, count).Select(_ =>
            {
                var isGood = random.Next(2) == 0;
                var telling = (isGood ? s_good : s_bad)[random.Next(3)];
                var others = Enumerable.Range(0, random.Next(5)).Select(_ => s_other[random.Next(s_other.Length)]);
                return new Note { Text = string.Join(' ', others.Append(telling)), IsGood = isGood };
            })];
        }
    }

    private sealed class Judged
    {
        public float Score { get; set; }
    }

    /// <summary>The average of the words' vectors, of those that the mask has.</summary>
    [ModuleFactory("average of words")]
    public sealed class AverageOfWordsFactory : ModuleFactory
    {
        public override nn.Module Create(ModuleContext context) => new AverageOfWords(context);
    }

    private sealed class AverageOfWords : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Dense vectors; // an embedding as a product with one-hot vectors
        private readonly Dense last;
        private readonly long _keyCount;

        public AverageOfWords(ModuleContext context)
            : base(nameof(AverageOfWords))
        {
            _keyCount = context.Inputs[0].KeyCount;
            vectors = new Dense(_keyCount, 8);
            last = new Dense(8, context.Outputs);
            RegisterComponents();
        }

        public override Tensor forward(Tensor words, Tensor mask)
        {
            var counted = mask.to_type(ScalarType.Float32).unsqueeze(-1);                                  // [N, T, 1]
            var each = vectors.call(nn.functional.one_hot(words, _keyCount).to_type(ScalarType.Float32)); // [N, T, 8]
            return last.call((each * counted).sum(1) / counted.sum(1));
        }
    }

    private sealed class SumOfSteps : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Dense layer;
        private readonly Action<Tensor, Tensor> _see;

        public SumOfSteps(Action<Tensor, Tensor> see)
            : base(nameof(SumOfSteps))
        {
            layer = new Dense(2, 1);
            _see = see;
            RegisterComponents();
        }

        public override Tensor forward(Tensor steps, Tensor mask)
        {
            _see(steps, mask);
            return layer.call(steps.sum(1));
        }
    }
}
