using System.CommandLine;
using MlNetFineTune;
using MlNetFineTune.Tool;

namespace QuickStart;

/// <summary>The options of the program, and which of them can be combined.</summary>
internal static class CommandLine
{
    /// <summary>The micro backbone's weights, pretrained on generated pictures by tools/Pretrain.</summary>
    public static string EmbeddedWeights => Path.Combine(AppContext.BaseDirectory, "Assets", "micro.safetensors");

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
        Option<Strategy?> strategy = TrainingOptions.Strategy("full");
        Option<Augmentation?> augmentation = TrainingOptions.Augmentations("gentle, and none with --strategy head");
        Option<int?> epochs = TrainingOptions.Epochs("15");
        Option<float?> learningRate = TrainingOptions.LearningRate("0.005 for micro, 0.001 for the others, which are larger");
        Option<int> seed = TrainingOptions.Seed();
        var output = new Option<FileInfo?>("--output") { Description = "Where to save the model. Default: a temporary folder." };
        Option<DirectoryInfo?> runFolder = TrainingOptions.RunFolder(), explain = TrainingOptions.Explain();
        Option<float?> coverage = TrainingOptions.Coverage();
        Option<FileInfo?> examine = TrainingOptions.Examine();
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
                Photos: parsed.GetValue(train) is { } folder ? (folder.FullName, parsed.GetRequiredValue(test)!.FullName) : null,
                ImagesPerKind: small ? (Train: 10, Test: 5) : (Train: 150, Test: 50),
                Options: new ImageFineTuningOptions
                {
                    Backbone = Encoders.OfPhotos(
                        parsed.GetValue(backbone) ?? Backbone.Micro.Name, parsed.GetValue(weights)?.FullName ?? EmbeddedWeights),
                    Strategy = trains,
                    // Without augmentation, a frozen network computes the features of each photo only once.
                    Augmentation = parsed.GetValue(augmentation)
                        ?? (trains == Strategy.HeadOnly ? Augmentation.None : TrainingOptions.Gentle),
                    Epochs = parsed.GetValue(epochs) ?? (small ? 2 : 15),
                    LearningRate = parsed.GetValue(learningRate) ?? (parsed.GetValue(backbone) is null or "micro" ? 5e-3f : 1e-3f),
                    RunFolder = parsed.GetValue(runFolder)?.FullName,
                    Conformal = parsed.GetValue(coverage) is { } sets ? new ConformalPrediction { Coverage = sets } : null,
                },
                Seed: parsed.GetValue(seed),
                Output: parsed.GetValue(output),
                Explain: parsed.GetValue(explain),
                Examine: parsed.GetValue(examine)));
        });
        return root.Parse(args);
    }
}
