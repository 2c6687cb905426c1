using MlNetFineTune.Fuzz.Targets;

namespace MlNetFineTune.Fuzz;

internal sealed partial record Target
{
    public static IReadOnlyList<Target> All { get; } =
    [
        new("safetensors", Weights.SafeTensors) { UsesTensors = true },
        new("torch-zip", Weights.TorchZip) { UsesTensors = true },
        new("pickle", Weights.Pickle) { UsesTensors = true },
        new("torch-legacy", Weights.TorchLegacy) { UsesTensors = true },
        new("torchsharp", Weights.OfTorchSharp) { UsesTensors = true },
        new("weights", Weights.AnyFormat) { UsesTensors = true },
        new("weights-index", Weights.Index) { Refusals = [typeof(FileNotFoundException), typeof(PathTooLongException)] },
        new("torchscript", Weights.TorchScript),
        new("checkpoint", Weights.Checkpoint) { Refusals = [typeof(NotSupportedException)] },
        new("checkpoint-file", Weights.CheckpointOfFile) { Refusals = [typeof(NotSupportedException), typeof(EndOfStreamException)] },
        new("hub-config", Hub.Config),
        new("text-config", Hub.TextConfig),
        new("pooling", Hub.Pooling),
        new("receipt", Hub.Receipt),
        new("mlflow-answer", Hub.Answer),
        new("wordpiece", Tokens.WordPiece) { Refusals = [typeof(FileNotFoundException)] },
        new("byte-pairs", Tokens.BytePairs) { Refusals = [typeof(FileNotFoundException)] },
        new("tokenizer-json", Tokens.Json) { Refusals = [typeof(FileNotFoundException)] },
        new("texts", Tokens.Texts),
        new("manifest", Models.Manifest)
        {
            // The callers turn the latter two into InvalidDataException.
            Refusals = [typeof(NotSupportedException), typeof(ArgumentException), typeof(OverflowException)],
        },
        new("model", Models.Zip) { UsesTensors = true, Refusals = [typeof(NotSupportedException)], Memory = (256 << 20, 1000) },
        new("class-keys", Models.ClassKeys),
        new("keyed-file", Caches.KeyedFile),
        new("image-index", Caches.ImageIndex),
        new("scored-block", Caches.ScoredBlock),
        new("scoring-plan", Caches.ScoringPlan),
        new("picture", Pictures.Decode) { Memory = (64 << 20, 100_000) },
        new("csv", Rows.Csv),
        new("tsv", Rows.Tsv),
    ];
}
