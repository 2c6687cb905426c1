using MlNetFineTune;

namespace TextQuickStart;

/// <summary>The validated settings of a run.</summary>
/// <param name="Train">File of the training messages.</param>
/// <param name="Test">File of the test messages.</param>
/// <param name="Model">The encoder: embedded, a folder, or of the hub.</param>
/// <param name="Strategy">The layers that are trained; null for the encoder's default.</param>
/// <param name="Epochs">Passes over the training messages; null for the encoder's default.</param>
/// <param name="LearningRate">Learning rate of the head; null for the encoder's default.</param>
/// <param name="Seed">Seed of the training.</param>
/// <param name="Output">Path of the model's zip; null for a temporary folder.</param>
/// <param name="Onnx">Path of the zip for ONNX Runtime; null for none.</param>
/// <param name="RunFolder">Folder for the report of the training; null for none.</param>
/// <param name="Texts">Messages to predict at the end; none for some of ours.</param>
internal sealed record TextQuickStartSettings(
    string Train, string Test, ChosenModel Model, Strategy? Strategy, int? Epochs, float? LearningRate, int Seed, FileInfo? Output,
    FileInfo? Onnx, DirectoryInfo? RunFolder, IReadOnlyList<string> Texts);

/// <summary>The chosen text encoder.</summary>
internal abstract record ChosenModel
{
    private ChosenModel()
    {
    }

    public abstract TextBackbone Open();

    /// <summary>The tiny encoder of this repository, pretrained by tools/Pretrain: a demonstration.</summary>
    public sealed record Embedded : ChosenModel
    {
        public static string Folder => Path.Combine(AppContext.BaseDirectory, "Assets", "tiny-bert");

        public override TextBackbone Open() => TextBackbone.FromFolder(Folder);
    }

    /// <summary>A folder as it lies on the hub.</summary>
    public sealed record InFolder(string Path) : ChosenModel
    {
        public override TextBackbone Open() => TextBackbone.FromFolder(Path);
    }

    /// <summary>A repository of the hub.</summary>
    public sealed record OfHub(string Name) : ChosenModel
    {
        public override TextBackbone Open() => TextBackbone.FromHub(Name);
    }
}
