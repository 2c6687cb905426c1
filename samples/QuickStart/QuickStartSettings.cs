using MlNetFineTune;

namespace QuickStart;

/// <summary>What to do, checked and complete.</summary>
/// <param name="Photos">Your folders; null draws photos.</param>
/// <param name="ImagesPerKind">How many photos are drawn of each kind, to train and to test.</param>
/// <param name="Backbone">The network and its weights.</param>
/// <param name="Strategy">What trains.</param>
/// <param name="Augmentation">Random changes to the training photos.</param>
/// <param name="Epochs">Passes over the training photos.</param>
/// <param name="LearningRate">Of the new classifier.</param>
/// <param name="Seed">Decides the drawn photos and the training.</param>
/// <param name="Output">The model's zip; null puts it into a temporary folder.</param>
/// <param name="RunFolder">What there is to look at; null leaves nothing.</param>
/// <param name="Explain">Where test photos go with what spoke for the answers; null leaves nothing.</param>
internal sealed record QuickStartSettings(
    PhotoFolders? Photos, (int Train, int Test) ImagesPerKind, Backbone Backbone, Strategy Strategy, Augmentation Augmentation, int Epochs,
    float LearningRate, int Seed, FileInfo? Output, DirectoryInfo? RunFolder, DirectoryInfo? Explain);

/// <summary>Two trees of photos with one folder a class.</summary>
internal sealed record PhotoFolders(string Train, string Test);
