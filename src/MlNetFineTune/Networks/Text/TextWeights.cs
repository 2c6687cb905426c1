using MlNetFineTune.MlNet;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>Fills a text encoder with its initial weights.</summary>
internal static class TextWeights
{
    // Parts of a checkpoint that a fine-tuned encoder does not have: heads of the pretraining and of earlier tasks, and buffers.
    private static readonly string[] s_ignored =
    [
        TextNaming.Pooler + ".", "cls.", "lm_head.", "vocab_", "classifier.", "pre_classifier.", "qa_outputs.", "mlm.",
        "embeddings.position_ids", "embeddings.token_type_ids", "head.", "decoder.",
    ];

    /// <param name="definition">The encoder and the source of its weights.</param>
    /// <param name="encoder">The encoder to fill.</param>
    /// <param name="keptLayers">Indices of its layers in the weights; null if they are the same.</param>
    /// <param name="complete">Form of the encoder of the weights.</param>
    /// <param name="seed">Seed of random weights.</param>
    /// <param name="log">Receives how the weights were found in their file.</param>
    public static void Fill(
        TextBackbone definition, TextEncoder encoder, IReadOnlyList<int>? keptLayers, TextConfig complete, long seed, Action<string>? log)
    {
        if (definition.Weights is WeightsSource.Scratch)
        {
            Initialize(encoder, seed);
            return;
        }
        if (keptLayers is null)
        {
            Read(definition, encoder, log);
            return;
        }
        using var source = new TextEncoder(complete, definition.Pooling);
        Read(definition, source, log);
        CopyLayers(source, encoder, TextNaming.Of(definition.Config.Kind), keptLayers);
    }

    private static void Read(TextBackbone definition, TextEncoder encoder, Action<string>? log)
    {
        if (definition.Weights is WeightsSource.Earlier { Model: var model })
        {
            if (definition.Pooling == TextBackbone.TokenPooling.Pooler && model.Text!.Pooling != TextBackbone.TokenPooling.Pooler)
            {
                throw new ArgumentException(
                    $"TextBackbone.Pooling is {definition.Pooling}, and the earlier model of {definition.Name}, with {model.Text.Pooling}, "
                    + "has no pooler layer: take Mean or ClassToken.");
            }
            model.CopyTo(Named(encoder));
            return;
        }
        var path = ((WeightsSource.File)definition.Weights).Path;
        using var file = WeightFile.Open(path);
        var notes = StrictLoader.Load(file, Named(encoder), definition.Name, MayIgnore, [TextNaming.Older]);
        FiniteNumbers.Require(path, Named(encoder));
        foreach (var note in notes)
            log?.Invoke($"Weights '{Path.GetFileName(path)}': {note}");
    }

    /// <summary>
    /// As the authors of BERT: normal with deviation 0.02 (they truncate at two deviations), norms at one, biases at zero.
    /// </summary>
    private static void Initialize(TextEncoder encoder, long seed)
    {
        foreach (var (name, parameter) in encoder.NamedParameters())
        {
            if (parameter.ndim >= 2)
                WeightInitialization.FillNormal(parameter, 0.02, seed, Primitives.RandomStream.WeightsOf(name));
        }
    }

    private static void CopyLayers(TextEncoder source, TextEncoder encoder, TextNaming naming, IReadOnlyList<int> layers)
    {
        using var noGradients = no_grad();
        var originals = source.NamedParameters().ToDictionary(named => named.Name, named => named.Parameter, StringComparer.Ordinal);
        foreach (var (name, parameter) in encoder.NamedParameters())
        {
            var stage = encoder.StageOf(name);
            var index = naming.Of(stage - 1, "");
            var original = stage > 0 && name.StartsWith(index, StringComparison.Ordinal)
                ? naming.Of(layers[stage - 1], name[index.Length..])
                : name;
            parameter.copy_(originals[original]);
        }
    }

    private static bool MayIgnore(string name) =>
        Array.Exists(s_ignored, beginning => name.StartsWith(beginning, StringComparison.Ordinal));

    private static (string Name, Tensor Tensor)[] Named(TextEncoder encoder) =>
        [.. encoder.NamedParameters().Select(named => (named.Name, (Tensor)named.Parameter))];
}
