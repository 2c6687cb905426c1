using MlNetFineTune;

namespace QuickStart;

/// <summary>The validated settings of a run.</summary>
/// <param name="Photos">Your folders; null for generated photos.</param>
/// <param name="ImagesPerKind">Number of generated photos of each kind, for training and test.</param>
/// <param name="Backbone">The network and its weights.</param>
/// <param name="Strategy">The layers that are trained.</param>
/// <param name="Augmentation">Random changes to the training photos.</param>
/// <param name="Epochs">Passes over the training photos.</param>
/// <param name="LearningRate">Learning rate of the head.</param>
/// <param name="Seed">Seed of the generated photos and the training.</param>
/// <param name="Output">Path of the model's zip; null for a temporary folder.</param>
/// <param name="RunFolder">Folder for the report of the training; null for none.</param>
/// <param name="Explain">Folder for the explained test photos; null for none.</param>
/// <param name="Coverage">Coverage of the sets of classes; null for no sets.</param>
/// <param name="Examine">HTML file for an examination of the photos; null for none.</param>
internal sealed record QuickStartSettings(
    PhotoFolders? Photos, (int Train, int Test) ImagesPerKind, Backbone Backbone, Strategy Strategy, Augmentation Augmentation, int Epochs,
    float LearningRate, int Seed, FileInfo? Output, DirectoryInfo? RunFolder, DirectoryInfo? Explain, float? Coverage, FileInfo? Examine);

/// <summary>Two trees of photos with one folder per class.</summary>
internal sealed record PhotoFolders(string Train, string Test);
