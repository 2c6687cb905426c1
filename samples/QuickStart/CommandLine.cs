using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using MlNetFineTune;

namespace QuickStart;

/// <summary>The options of the program, and which of them can be combined.</summary>
internal static class CommandLine
{
    /// <summary>The micro backbone's weights, pretrained on generated pictures by tools/Pretrain.</summary>
    public static string EmbeddedWeights => Path.Combine(AppContext.BaseDirectory, "Assets", "micro.safetensors");

    /// <summary>Larger crops than usual: a defect may be a small part of the photo.</summary>
    private static Augmentation Gentle =>
        Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea: 0.5f), Augmentation.HorizontalFlip());

    public static ParseResult Parse(string[] args, Func<QuickStartSettings, int> run)
    {
        var train = new Option<DirectoryInfo?>("--train")
        {
            Description = "Folder of training photos, one folder for each class. Without it photos are drawn."
        };
        var test = new Option<DirectoryInfo?>("--test")
        {
            Description = "Folder of photos for evaluating the finished model, with the same classes."
        };
        var backbone = new Option<string?>("--backbone")
        {
            Description = $"The network: {string.Join(", ", Backbone.List().Select(network => network.Name))}. "
            + "Default: micro."
        };
        var weights = new Option<FileInfo?>("--weights")
        {
            Description = "Pretrained weights of the backbone, a .safetensors file. micro has its own."
        };
        var strategy = new Option<Strategy?>("--strategy")
        {
            Description = "The trained stages: head, last:N (the last N stages) or full. Default: full.",
            CustomParser = OptionParsers.ParseStrategy
        };
        var augmentation = new Option<Augmentation?>("--augmentation")
        {
            Description = "Random changes to the training photos: none, gentle (flips, "
                + "crops of at least half of the area) or light (smaller crops too). Default: gentle, and none with --strategy head.",
            CustomParser = ParseAugmentation
        };
        var epochs = new Option<int?>("--epochs")
        {
            Description = "Passes over the training photos. Default: 15.",
            CustomParser = OptionParsers.ParseEpochs
        };
        var learningRate = new Option<float?>("--learning-rate")
        {
            Description = "Learning rate of the new classifier; lower stages have smaller rates. "
            + "Default: 0.005 for micro, 0.001 for the others, which are larger.",
            CustomParser = OptionParsers.ParseLearningRate
        };
        var seed = new Option<int>("--seed") { Description = "Seed of the drawn photos and the training.", DefaultValueFactory = _ => 1 };
        var output = new Option<FileInfo?>("--output") { Description = "Where to save the model. Default: a temporary folder." };
        var runFolder = new Option<DirectoryInfo?>("--run-folder")
        {
            Description = "Folder for history, TensorBoard events and report.html. Default: they are not written."
        };
        var explain = new Option<DirectoryInfo?>("--explain")
        {
            Description = "Folder for the test photos with heat maps of the predictions. Default: they are not written."
        };
        var coverage = new Option<float?>("--coverage")
        {
            Description = "Probability, such as 0.9, with which a set of classes contains the true one (conformal prediction); "
                + "says then how many test photos a person should check. Default: no sets.",
            CustomParser = ParseCoverage
        };
        var examine = new Option<FileInfo?>("--examine")
        {
            Description = "HTML file for an examination of the photos before the training: near-duplicates, likely label errors, "
                + "poor photos. Default: they are not examined."
        };
        var smoke = new Option<bool>("--smoke") { Description = "A few photos and two epochs, as a quick check." };

        var root = new RootCommand("Fine-tunes a pretrained network into a photo classifier: on photos drawn for the purpose, or on yours.")
        {
            train, test, backbone, weights, strategy, augmentation, epochs, learningRate, seed, output, runFolder, explain, coverage,
            examine, smoke,
        };
        root.Validators.Add(result =>
        {
            bool Has(Option option) => result.GetResult(option) is { Implicit: false };
            if (Has(train) != Has(test))
                result.AddError("--train and --test must be used together: the model is evaluated on photos that it was not trained on.");
            if (result.GetValue(output) is { Directory: { Exists: false } nowhere })
                result.AddError($"--output: there is no folder '{nowhere}'.");
            if (result.GetValue(examine) is { Directory: { Exists: false } missing })
                result.AddError($"--examine: there is no folder '{missing}'.");
            if (Has(train) && Has(smoke))
                result.AddError("--smoke draws its own photos; leave out --train and --test.");
            if (Has(weights) && !Has(backbone))
                result.AddError("--weights needs --backbone: say which network they belong to.");
            if (Has(backbone) && !Has(weights) && result.GetValue(backbone) != Backbone.Micro.Name)
                result.AddError($"--backbone {result.GetValue(backbone)} needs --weights: "
                    + "a .safetensors file with its pretrained weights.");
        });
        root.SetAction(parsed =>
        {
            bool small = parsed.GetValue(smoke);
            Strategy trains = parsed.GetValue(strategy) ?? Strategy.Full();
            return run(new QuickStartSettings(
                Photos: parsed.GetValue(train) is { } folder
                    ? new PhotoFolders(folder.FullName, parsed.GetRequiredValue(test)!.FullName)
                    : null,
                ImagesPerKind: small ? (Train: 10, Test: 5) : (Train: 150, Test: 50),
                Backbone: Backbone.FromName(parsed.GetValue(backbone) ?? Backbone.Micro.Name)
                    .WithWeights(parsed.GetValue(weights)?.FullName ?? EmbeddedWeights),
                Strategy: trains,
                // Without augmentation, a frozen network computes the features of each photo only once.
                Augmentation: parsed.GetValue(augmentation) ?? (trains == Strategy.HeadOnly ? Augmentation.None : Gentle),
                Epochs: parsed.GetValue(epochs) ?? (small ? 2 : 15),
                LearningRate: parsed.GetValue(learningRate) ?? (parsed.GetValue(backbone) is null or "micro" ? 5e-3f : 1e-3f),
                Seed: parsed.GetValue(seed),
                Output: parsed.GetValue(output),
                RunFolder: parsed.GetValue(runFolder),
                Explain: parsed.GetValue(explain),
                Coverage: parsed.GetValue(coverage),
                Examine: parsed.GetValue(examine)));
        });
        return root.Parse(args);
    }

    private static Augmentation? ParseAugmentation(ArgumentResult result) => result.Tokens[0].Value switch
    {
        "none" => Augmentation.None,
        "gentle" => Gentle,
        "light" => Augmentation.Light,
        var other => OptionParsers.Refuse<Augmentation>(result, $"There is no augmentation '{other}'. There are: none, gentle, light."),
    };

    private static float? ParseCoverage(ArgumentResult result)
    {
        if (float.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out float coverage)
            && coverage is > 0 and < 1)
            return coverage;
        result.AddError($"--coverage {result.Tokens[0].Value}: it must be a number above 0 and below 1.");
        return null;
    }
}
