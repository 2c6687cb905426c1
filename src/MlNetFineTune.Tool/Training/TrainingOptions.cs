using System.CommandLine;

namespace MlNetFineTune.Tool;

/// <summary>The options of a command line that say how a network is trained.</summary>
internal static class TrainingOptions
{
    /// <summary>Larger crops than usual: what makes the class may be a small part of the photo.</summary>
    public static Augmentation Gentle { get; } =
        Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea: 0.5f), Augmentation.HorizontalFlip());

    /// <param name="byDefault">What happens without it.</param>
    public static Option<Strategy?> Strategy(string byDefault) => new("--strategy")
    {
        Description = "The trained stages: head, last:N (the last N stages), full, gradual (stage by stage from the head), "
            + $"probe-then-full, norm-and-bias, or pairs (few labelled rows). Default: {byDefault}.",
        HelpName = "STRATEGY",
        CustomParser = OptionParsers.ParseStrategy,
        CompletionSources = { "head", "last:", "full", "gradual", "probe-then-full", "norm-and-bias", "pairs" },
    };

    public static Option<Augmentation?> Augmentations(string byDefault) => new("--augmentation")
    {
        Description = "Random changes to the training photos: none, gentle (flips, crops of at least half of the area), light (smaller "
            + $"crops too), standard or strong (colours too). Default: {byDefault}.",
        HelpName = "AUGMENTATION",
        CustomParser = OptionParsers.OneOf(
            "augmentation", ("none", Augmentation.None), ("gentle", Gentle), ("light", Augmentation.Light),
            ("standard", Augmentation.Standard), ("strong", Augmentation.Strong)),
        CompletionSources = { "none", "gentle", "light", "standard", "strong" },
    };

    public static Option<int?> Epochs(string byDefault) => new("--epochs")
    {
        Description = $"Passes over the training rows. Default: {byDefault}.",
        HelpName = "N",
        CustomParser = OptionParsers.ParseCount,
    };

    public static Option<float?> LearningRate(string byDefault) => new("--learning-rate")
    {
        Description = $"Learning rate of the new classifier; lower stages have smaller rates. Default: {byDefault}.",
        HelpName = "RATE",
        CustomParser = OptionParsers.ParsePositive,
    };

    public static Option<int> Seed() => new("--seed")
    {
        Description = "Seed of the training.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    public static Option<DirectoryInfo?> RunFolder() => new("--run-folder")
    {
        Description = "Folder for history, TensorBoard events and report.html. Default: they are not written.",
        HelpName = "FOLDER",
    };

    public static Option<float?> Coverage() => new("--coverage")
    {
        Description = "Probability, such as 0.9, with which a set of classes contains the true one (conformal prediction); "
            + "says then how many test rows a person should check. Default: no sets.",
        HelpName = "PROBABILITY",
        CustomParser = OptionParsers.ParseProbability,
    };

    public static Option<DirectoryInfo?> Explain() => new("--explain")
    {
        Description = "Folder for the test photos with heat maps of the predictions. Default: they are not written.",
        HelpName = "FOLDER",
    };

    public static Option<FileInfo?> Examine() => new("--examine")
    {
        Description = "HTML file for an examination of the photos before the training: near-duplicates, likely label errors, "
            + "poor photos. Default: they are not examined.",
        HelpName = "FILE",
    };
}
