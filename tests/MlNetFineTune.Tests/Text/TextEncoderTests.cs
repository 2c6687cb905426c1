using System.Text.Json;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Text;

/// <summary>Text encoders against PyTorch's own transformer layers, in doubles.</summary>
[TestClass]
public sealed class TextEncoderTests
{
    private static readonly JsonElement s_reference = Fixture.Read("text_networks.json");

    [TestMethod]
    public void HiddenVectorsAndFeaturesAreThoseOfPyTorch() => ForEachCase((encoder, expected, name) =>
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var inputs = Inputs();
        var hidden = inputs.Activations;
        foreach (var (stage, rows) in expected.GetProperty("hidden").EnumerateArray().Index())
        {
            hidden = encoder.Hidden(hidden, inputs, stage, dropout: null); // [N, T, C]
            foreach (var (row, values) in rows.EnumerateArray().Index())
                Fixture.AreClose(values.Numbers(), hidden[row].Values(), 1e-9, $"{name}, stage {stage}, row {row}");
        }
        Fixture.AreClose(expected.GetProperty("features").Numbers(), encoder.Pool(hidden, inputs).Values(), 1e-9, $"{name}, features");
    });

    [TestMethod]
    public void GradientsAreThoseOfPyTorch() => ForEachCase((encoder, expected, name) =>
    {
        using var scope = NewDisposeScope();
        var inputs = Inputs();
        var activations = inputs.Activations;
        for (var stage = 0; stage < encoder.Stages.Count; stage++)
            activations = encoder.Forward(activations, inputs, stage, dropout: null);
        var target = tensor(Formula.Values("target", activations.shape), activations.shape).to_type(ScalarType.Float64);
        (activations * target).sum().backward();

        var gradients = expected.GetProperty("gradients");
        Assert.HasCount(gradients.EnumerateObject().Count(), encoder.NamedParameters(), name);
        foreach (var (parameterName, parameter) in encoder.NamedParameters())
        {
            var values = parameter.grad!.Values();
            Fixture.AreClose(
                gradients.GetProperty(parameterName).Numbers(), [.. values.Take(8), values.Sum(Math.Abs)], 1e-8,
                $"{name}, {parameterName}");
            parameter.grad = null;
        }
    });

    [TestMethod]
    public void FarDistancesShareBuckets()
    {
        double[] expected = s_reference.GetProperty("bucketsOfDistances").Numbers();
        var farthest = expected.Length / 2;
        double[] actual =
            [.. Enumerable.Range(-farthest, expected.Length).Select(distance => (double)RelativePositions.BucketOf(distance))];
        CollectionAssert.AreEqual(expected, actual);
    }

    [TestMethod]
    public void PaddingDoesNotChangeARow() => ForEachCase((encoder, _, name) =>
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var lengths = Numbers("lengths");
        var (together, alone) = (Features(encoder, Inputs()), Features(encoder, Inputs(row: 1, lengths[1])));
        Fixture.AreClose(together[1].Values(), alone[0].Values(), 1e-12, name);
    });

    [TestMethod]
    public void DropoutActsInTrainingAlone()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var encoder = Create(s_reference.GetProperty("cases")[0], dropout: 0.5f);
        var inputs = Inputs();
        CollectionAssert.AreEqual(Features(encoder, inputs).Values(), Features(encoder, inputs).Values());
        var dropped = encoder.Hidden(inputs.Activations, inputs, 0, Dropout());
        Assert.IsGreaterThan(0.2 * dropped.numel(), dropped.Values().Count(value => value == 0));
    }

    // transformers' DistilBERT has none there.
    [TestMethod]
    [DataRow(nameof(TextKind.Bert), true)]
    [DataRow(nameof(TextKind.DistilBert), false)]
    [DataRow(nameof(TextKind.MpNet), true)]
    public void AfterAttentionBertHasDropoutAndDistilBertHasNone(string name, bool drops)
    {
        var kind = Enum.Parse<TextKind>(name);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var config = new TextConfig(
            kind, Vocabulary: 20, Width: 8, Layers: 1, Heads: 2, InnerWidth: 16, Positions: 16, FirstPosition: 0, Segments: 0,
            Epsilon: 1e-12, Activation.GELU, Dropout: 0.5f, AttentionDropout: 0).Checked();
        using var relative = kind == TextKind.MpNet ? new RelativePositions(heads: 2) : null;
        var layer = new PostNormLayer(config, relative);
        relative?.Bias.weight.zero_();
        foreach (var (path, module) in layer.Modules(0))
        {
            foreach (var (parameter, value) in module.named_parameters())
                Formula.Fill($"{path}.{parameter}", value);
        }
        layer.Outer.weight!.zero_();
        layer.Outer.bias!.zero_();
        var input = ones(2, 3, 8, ScalarType.Float32);
        var (plain, dropped) = (layer.Forward(input, padding: null, dropout: null), layer.Forward(input, padding: null, Dropout()));
        Assert.AreEqual(drops, !plain.Values().SequenceEqual(dropped.Values()));
        foreach (var (_, module) in layer.Modules(0))
            module.Dispose();
    }

    private static RowDropout Dropout() => new(seed: 1, RandomStream.TextDropout, part: 0, step: 0, rows: null, rank: 0);

    private static void ForEachCase(Action<TextEncoder, JsonElement, string> test)
    {
        foreach (var expected in s_reference.GetProperty("cases").EnumerateArray())
        {
            using var encoder = Create(expected);
            test(encoder, expected, $"{expected.Text("kind")} with {expected.Text("pooling")}");
        }
    }

    private static TextEncoder Create(JsonElement expected, float dropout = 0.1f)
    {
        var kind = Enum.Parse<TextKind>(expected.Text("kind"), ignoreCase: true);
        var config = new TextConfig(
            kind, Number("vocabulary"), Number("width"), Number("layers"), Number("heads"), Number("inner"), Number("positions"),
            (int)expected.Number("firstPosition"), (int)expected.Number("segments"), expected.Number("epsilon"), Activation.GELU, dropout,
            AttentionDropout: dropout).Checked();
        var pooling = Enum.Parse<TextBackbone.TokenPooling>(expected.Text("pooling"));
        var encoder = Formula.Made(ScalarType.Float64, () => new TextEncoder(config, pooling));
        foreach (var (name, parameter) in encoder.NamedParameters())
            Formula.Fill(name, parameter);
        return encoder;
    }

    // All rows, with padding; or one row without.
    private static ModelInputs Inputs(int? row = null, int? length = null)
    {
        var (tokens, segments) = (Rows("tokens"), Rows("segmentIds"));
        var lengths = Numbers("lengths");
        int[] rows = row is { } one ? [one] : [.. Enumerable.Range(0, tokens.Length)];
        var longest = length ?? tokens[0].Length;
        var beside = new Dictionary<string, Tensor>
        {
            [TextInputNames.Segments] = tensor(rows.SelectMany(r => segments[r][..longest]).ToArray(), [rows.Length, longest]),
        };
        if (row is null)
        {
            beside.Add(TextInputNames.Mask,
                tensor(rows.SelectMany(r => Enumerable.Range(0, longest).Select(i => i < lengths[r])).ToArray(), [rows.Length, longest]));
        }
        return new ModelInputs(tensor(rows.SelectMany(r => tokens[r][..longest]).ToArray(), [rows.Length, longest]), beside);
    }

    private static Tensor Features(TextEncoder encoder, ModelInputs inputs) => Enumerable.Range(0, encoder.Stages.Count)
        .Aggregate(inputs.Activations, (activations, stage) => encoder.Forward(activations, inputs, stage, dropout: null));

    private static int Number(string name) => (int)s_reference.Number(name);

    private static int[] Numbers(string name) => [.. s_reference.GetProperty(name).Numbers().Select(number => (int)number)];

    private static long[][] Rows(string name) =>
        [.. s_reference.GetProperty(name).EnumerateArray().Select(row => row.Numbers().Select(number => (long)number).ToArray())];
}
