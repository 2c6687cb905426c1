using System.Text.Json;
using System.Text.Json.Nodes;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Text;

/// <summary>ModernBERT against tools/reference/modernbert_fixture.py, in doubles.</summary>
[TestClass]
public sealed class ModernBertTests
{
    private static readonly JsonElement s_reference = Fixture.Read("modernbert.json");

    private static readonly JsonSerializerOptions s_json = new()
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private static readonly int[] s_lengths =
        [.. s_reference.GetProperty("lengths").Numbers().Select(number => (int)number)];

    [TestMethod]
    public void HiddenVectorsAndFeaturesAreThoseOfTheReference() => ForEachPooling((encoder, expected, name) =>
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var inputs = Inputs();
        var hidden = inputs.Activations;
        foreach (var (stage, rows) in s_reference.GetProperty("hidden").EnumerateArray().Index())
        {
            hidden = encoder.Hidden(hidden, inputs, stage, dropout: null); // [N, T, C]
            foreach (var (row, values) in rows.EnumerateArray().Index())
                Fixture.AreClose(values.Numbers(), hidden[row, ..s_lengths[row]].Values(), 1e-9, $"{name}, stage {stage}, row {row}");
        }
        Fixture.AreClose(expected.GetProperty("features").Numbers(), encoder.Pool(hidden, inputs).Values(), 1e-9, $"{name}, features");
    });

    [TestMethod]
    public void GradientsAreThoseOfTheReference() => ForEachPooling((encoder, expected, name) =>
    {
        using var scope = NewDisposeScope();
        var features = Features(encoder, Inputs());
        (features * tensor(Formula.Values("target", features.shape), features.shape).to_type(ScalarType.Float64)).sum().backward();

        var gradients = expected.GetProperty("gradients");
        CollectionAssert.AreEquivalent(
            gradients.EnumerateObject().Select(gradient => gradient.Name).ToList(),
            encoder.NamedParameters().Select(named => named.Name).ToList());
        foreach (var (parameterName, parameter) in encoder.NamedParameters())
        {
            var values = parameter.grad!.Values();
            Fixture.AreClose(
                gradients.GetProperty(parameterName).Numbers(), [.. values.Take(8), values.Sum(Math.Abs)], 1e-8,
                $"{name}, {parameterName}");
            parameter.grad = null;
        }
    });

    // The padding of the second row is farther from all tokens than a local layer reaches.
    [TestMethod]
    public void PaddingDoesNotChangeARowAndIsANumberItself() => ForEachPooling((encoder, _, name) =>
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var inputs = Inputs();
        Fixture.AreClose(Features(encoder, inputs)[1].Values(), Features(encoder, Inputs(row: 1))[0].Values(), 1e-12, name);
        var hidden = inputs.Activations;
        for (var stage = 0; stage < encoder.Stages.Count; stage++)
            hidden = encoder.Hidden(hidden, inputs, stage, dropout: null);
        Assert.IsTrue(hidden.Values().All(double.IsFinite));
    });

    [TestMethod]
    public void ATokenOfALocalLayerSeesThoseWithinItsReachAlone()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var encoder = Create(TextBackbone.TokenPooling.Mean);
        var inputs = Inputs(row: 0);
        var before = rand([1, s_lengths[0], 16], ScalarType.Float64, generator: new Generator(3));
        var changed = before.clone();
        changed[0, 6] = changed[0, 6] + ones(16, ScalarType.Float64);
        foreach (var (stage, isLocal) in new[] { (1, false), (2, true), (3, true), (4, false) })
        {
            var difference = encoder.Hidden(before, inputs, stage, dropout: null)
                .sub(encoder.Hidden(changed, inputs, stage, dropout: null)).abs().sum(2).Values();
            int[] seeing = [.. difference.Index().Where(token => token.Item > 0).Select(token => token.Index)];
            if (isLocal)
                CollectionAssert.AreEqual(new[] { 3, 4, 5, 6, 7, 8, 9 }, seeing, $"stage {stage}");
            else
                Assert.IsTrue(seeing.Any(token => Math.Abs(token - 6) > 3), $"stage {stage}");
        }
    }

    // The angles are computed in doubles whatever the precision of the layers, and far positions are as exact as near ones.
    [TestMethod]
    public void FarPositionsAreExactAndTheScoreOfTwoTokensDependsOnTheirDistance()
    {
        using var scope = NewDisposeScope();
        var rotary = new RotaryPositions(width: 8, theta: 10_000, most: 8192, reach: null);
        var (one, other) = (Repeated("one"), Repeated("other"));
        var (precise, near) = (Score(one, other, 5, 2), Score(one, other, 8191, 8188));
        Assert.AreEqual(precise, near, 1e-9);
        Assert.IsGreaterThan(1e-3, Math.Abs(precise - Score(one, other, 5, 3)));
        var single = Score(one.to_type(ScalarType.Float32), other.to_type(ScalarType.Float32), 8191, 8188);
        Assert.AreEqual(precise, single, 1e-5);

        // [1, T, 1, 1, d], the same vector at each position
        static Tensor Repeated(string name) => tensor(Formula.Values(name, [1, 8]), [1, 1, 1, 1, 8]).to_type(ScalarType.Float64)
            .expand(1, 8192, 1, 1, 8);

        double Score(Tensor first, Tensor second, int at, int otherAt) =>
            rotary.Rotate(first)[0, at].mul(rotary.Rotate(second)[0, otherAt]).sum().to_type(ScalarType.Float64).item<double>();
    }

    [TestMethod]
    public void InBFloat16TheFeaturesAreNearlyTheSame()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var encoder = Create(TextBackbone.TokenPooling.Mean, ScalarType.Float32);
        var inputs = Inputs();
        var expected = Features(encoder, inputs);
        Tensor actual;
        using (Autocast.Begin(DeviceType.CPU))
            actual = Features(encoder, inputs).to_type(ScalarType.Float32);
        Fixture.AreClose(expected.Values(), actual.Values(), 0.05, "features");
        CollectionAssert.AreNotEqual(expected.Values(), actual.Values());
    }

    [TestMethod]
    public void KeptLayersHaveTheirWeightsAndTheirSpans()
    {
        var folder = SmallTexts.CreateFolder("modernbert", layers: 5);
        var backbone = TextBackbone.FromFolder(folder).KeepLayers(0, 1, 3, 4).KeepLayers(1, 2, 3);
        var local = backbone.Config.Local!;
        CollectionAssert.AreEqual(new[] { AttentionSpan.Local, AttentionSpan.Global, AttentionSpan.Local }, local.Spans);
        using var complete = TextBackbone.FromFolder(folder).CreateEncoder(seed: 1);
        using var kept = backbone.CreateEncoder(seed: 1);
        var original = complete.NamedParameters().ToDictionary(named => named.Name, named => named.Parameter.Values());
        var names = kept.NamedParameters().Select(named => named.Name).ToList();
        CollectionAssert.Contains(names, "layers.0.attn_norm.weight"); // it is no longer the first
        foreach (var (name, parameter) in kept.NamedParameters())
        {
            var source = name.StartsWith("layers.", StringComparison.Ordinal) ? $"layers.{"134"[name[7] - '0']}{name[8..]}" : name;
            CollectionAssert.AreEqual(original[source], parameter.Values(), name);
        }
    }

    // As the hub has it: with the prefix of transformers and the head of the pretraining.
    [TestMethod]
    public void ACheckpointOfThePretrainingIsRead()
    {
        var folder = SmallTexts.CreateFolder("modernbert");
        using var encoder = TextBackbone.FromFolder(folder).CreateEncoder(seed: 1);
        using var scope = NewDisposeScope();
        var head = ones(16, 16, ScalarType.Float32);
        (string, Tensor)[] beside =
        [
            ("head.dense.weight", head), ("head.norm.weight", ones(16, ScalarType.Float32)), ("decoder.bias", ones(19, ScalarType.Float32)),
        ];
        Write([.. encoder.NamedParameters().Select(named => ($"model.{named.Name}", (Tensor)named.Parameter)), .. beside]);
        using var again = TextBackbone.FromFolder(folder).CreateEncoder(seed: 2);
        foreach (var (expected, actual) in encoder.NamedParameters().Zip(again.NamedParameters()))
            CollectionAssert.AreEqual(expected.Parameter.Values(), actual.Parameter.Values(), expected.Name);

        Write([
            .. encoder.NamedParameters().Select(named => ($"model.{named.Name}", (Tensor)named.Parameter)),
            ("model.layers.0.attn_norm.weight", ones(16, ScalarType.Float32))]);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => TextBackbone.FromFolder(folder).CreateEncoder(seed: 2)).Message,
            "layers.0.attn_norm.weight");

        void Write((string Name, Tensor Tensor)[] tensors) => SafeTensorsWriter.WriteFile(
            Path.Combine(folder, "model.safetensors"), tensors, new Dictionary<string, string>());
    }

    [TestMethod]
    public void TheNewerFormOfTheConfigurationSaysTheSame()
    {
        var older = JsonNode.Parse(s_reference.GetProperty("config").GetRawText())!.AsObject();
        var expected = Read(older);
        CollectionAssert.AreEqual(
            new[] { AttentionSpan.Global, AttentionSpan.Local, AttentionSpan.Local, AttentionSpan.Global }, expected.Local!.Spans);
        Assert.AreEqual((3, 160_000.0, 10_000.0), (expected.Local.Reach, expected.Local.GlobalTheta, expected.Local.LocalTheta));
        Assert.AreEqual((24, 1e-5, 0f, 0f), (expected.MaximumLength, expected.Epsilon, expected.Dropout, expected.AttentionDropout));

        foreach (var name in (string[])["global_attn_every_n_layers", "global_rope_theta", "local_rope_theta", "norm_eps"])
            older.Remove(name);
        Assert.AreEqual(expected, Read(older)); // the usual values
        older["layer_types"] = JsonNode.Parse("""["full_attention", "sliding_attention", "sliding_attention", "full_attention"]""");
        older["rope_parameters"] = JsonNode.Parse(
            """
            {"full_attention": {"rope_type": "default", "rope_theta": 160000.0},
             "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}
            """);
        Assert.AreEqual(expected, Read(older));
        older["rope_parameters"]!["sliding_attention"]!["rope_theta"] = 500;
        Assert.AreEqual(expected with { Local = expected.Local with { LocalTheta = 500 } }, Read(older));
        Assert.AreNotEqual(expected, Read(older));

        static TextConfig Read(JsonObject config) => TextConfig.Parse(JsonSerializer.SerializeToUtf8Bytes(config), "test");
    }

    [TestMethod]
    [DataRow("norm_bias", "true", "its norm_bias is not false")]
    [DataRow("attention_bias", "true", "its attention_bias is not false")]
    [DataRow("mlp_bias", "1", "its mlp_bias is not false")]
    [DataRow("rope_scaling", """{"type": "yarn"}""", "rope_scaling")]
    [DataRow("rope_parameters", """{"full_attention": {"rope_type": "default"}}""", "no sliding_attention")]
    [DataRow(
        "rope_parameters", """{"full_attention": {"rope_type": "yarn"}, "sliding_attention": {}}""", "its rope_type is 'yarn'")]
    [DataRow("layer_types", """["full_attention", "linear_attention"]""", "'linear_attention'")]
    [DataRow("layer_types", """["full_attention"]""", "says of 1 layers how far they see, and has 4")]
    [DataRow("global_attn_every_n_layers", "0", "global_attn_every_n_layers is 0")]
    [DataRow("num_hidden_layers", "2000000000", "2000000000")]
    [DataRow("local_attention", "1", "reaches 0 tokens")]
    [DataRow("local_attention", "\"wide\"", "local_attention is no integer")]
    [DataRow("local_rope_theta", "0", "bases of rotary positions")]
    [DataRow("global_rope_theta", "[]", "global_rope_theta is no number")]
    [DataRow("hidden_activation", "\"silu\"", "silu")]
    [DataRow("hidden_size", "10", "odd vectors, of 5")]
    [DataRow("mlp_dropout", "0.1", "one rate for both is supported")]
    [DataRow("max_position_embeddings", "null", "it has no max_position_embeddings")]
    public void AConfigThatCannotBeUsedIsRefused(string name, string value, string expected)
    {
        var config = JsonNode.Parse(s_reference.GetProperty("config").GetRawText())!;
        config[name] = JsonNode.Parse(value);
        var error = Assert.ThrowsExactly<InvalidDataException>(
            () => TextConfig.Parse(JsonSerializer.SerializeToUtf8Bytes(config), "'config.json'"));
        StringAssert.Contains(error.Message, expected);
    }

    // Model files of before ModernBERT do not say it.
    [TestMethod]
    public void ADescriptionWithoutLocalAttentionIsStillRead()
    {
        var described = SmallTexts.Backbone.Config;
        var json = JsonSerializer.SerializeToNode(described, s_json)!.AsObject();
        Assert.IsTrue(json.Remove("Local"));
        Assert.AreEqual(described, json.Deserialize<TextConfig>(s_json)!.Checked());

        var modern = TextBackbone.FromFolder(SmallTexts.CreateFolder("modernbert")).Config;
        json = JsonSerializer.SerializeToNode(modern, s_json)!.AsObject();
        Assert.AreEqual(modern, json.Deserialize<TextConfig>(s_json)!.Checked());
        json["Local"] = null;
        var error = Assert.ThrowsExactly<ArgumentException>(() => json.Deserialize<TextConfig>(s_json)!.Checked());
        StringAssert.Contains(error.Message, "how far its layers see");
        Assert.ThrowsExactly<ArgumentException>(() => (described with { Local = modern.Local }).Checked());
    }

    [TestMethod]
    public void ItHasNoPooler() => StringAssert.Contains(
        Assert.ThrowsExactly<ArgumentException>(() => TextBackbone.FromFolder(SmallTexts.CreateFolder("modernbert")) with
        {
            Pooling = TextBackbone.TokenPooling.Pooler,
        }).Message, "ModernBERT has no pooler layer");

    private static void ForEachPooling(Action<TextEncoder, JsonElement, string> test)
    {
        foreach (var expected in s_reference.GetProperty("cases").EnumerateArray())
        {
            var pooling = expected.Text("pooling");
            using var encoder = Create(Enum.Parse<TextBackbone.TokenPooling>(pooling));
            test(encoder, expected, pooling);
        }
    }

    private static TextEncoder Create(TextBackbone.TokenPooling pooling, ScalarType type = ScalarType.Float64)
    {
        var config = TextConfig.Parse(JsonSerializer.SerializeToUtf8Bytes(s_reference.GetProperty("config")), "the fixture");
        var encoder = Formula.Made(type, () => new TextEncoder(config, pooling));
        foreach (var (name, parameter) in encoder.NamedParameters())
            Formula.Fill(name, parameter);
        return encoder;
    }

    // All rows, with padding; or one row without.
    private static ModelInputs Inputs(int? row = null)
    {
        long[][] tokens =
            [.. s_reference.GetProperty("tokens").EnumerateArray().Select(ids => ids.Numbers().Select(id => (long)id).ToArray())];
        if (row is { } one)
            return new ModelInputs(tensor(tokens[one][..s_lengths[one]], [1, s_lengths[one]]), new Dictionary<string, Tensor>());
        var mask = tokens.SelectMany((ids, i) => ids.Select((_, place) => place < s_lengths[i])).ToArray();
        return new ModelInputs(tensor(tokens.SelectMany(ids => ids).ToArray(), [2, tokens[0].Length]), new Dictionary<string, Tensor>
        {
            [TextInputNames.Mask] = tensor(mask, [2, tokens[0].Length]),
        });
    }

    private static Tensor Features(TextEncoder encoder, ModelInputs inputs) => Enumerable.Range(0, encoder.Stages.Count)
        .Aggregate(inputs.Activations, (activations, stage) => encoder.Forward(activations, inputs, stage, dropout: null));
}
