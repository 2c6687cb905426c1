using MlNetFineTune;

namespace QuickStart;

/// <summary>The validated settings of a run.</summary>
/// <param name="Photos">Your two folders; null for generated photos.</param>
/// <param name="ImagesPerKind">Number of generated photos of each kind, for training and test.</param>
/// <param name="Options">The network and its training.</param>
/// <param name="Seed">Seed of the generated photos and the training.</param>
/// <param name="Output">Path of the model's zip; null for a temporary folder.</param>
/// <param name="Explain">Folder for the explained test photos; null for none.</param>
/// <param name="Examine">HTML file for an examination of the photos; null for none.</param>
internal sealed record QuickStartSettings(
    (string Train, string Test)? Photos, (int Train, int Test) ImagesPerKind, ImageFineTuningOptions Options, int Seed, FileInfo? Output,
    DirectoryInfo? Explain, FileInfo? Examine);
