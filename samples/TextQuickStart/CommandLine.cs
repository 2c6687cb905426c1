using System.CommandLine;
using MlNetFineTune;
using MlNetFineTune.Tool;

namespace TextQuickStart;

/// <summary>The options of the program, and which of them can be combined.</summary>
internal static class CommandLine
{
    public static ParseResult Parse(string[] args, Func<TextQuickStartSettings, int> run)
    {
        var train = new Option<FileInfo?>("--train")
        {
            Description = "File of training texts, in each line a label, a tab and a text. Without it, messages of customers that come "
                + "with the program."
        };
        var test = new Option<FileInfo?>("--test")
        {
            Description = "File of texts for evaluating the finished model, with the same labels."
        };
        var model = new Option<DirectoryInfo?>("--model")
        {
            Description = "Folder of a pretrained text encoder, as on the hub (config.json, model.safetensors, vocab.txt). Default: a tiny "
                + "encoder that comes with the program, a demonstration."
        };
        var hub = new Option<string?>("--hub")
        {
            Description = "Name of a text encoder on the hub, such as sentence-transformers/all-MiniLM-L6-v2, which is downloaded once."
        };
        var strategy = new Option<Strategy?>("--strategy")
        {
            Description = "The trained stages: head, last:N (the last N stages) or full. Default: the head first, and then everything.",
            CustomParser = OptionParsers.ParseStrategy
        };
        var epochs = new Option<int?>("--epochs")
        {
            Description = "Passes over the training texts. Default: 20 for the tiny encoder, 12 for others.",
            CustomParser = OptionParsers.ParseCount
        };
        var learningRate = new Option<float?>("--learning-rate")
        {
            Description = "Learning rate of the new classifier. Default: 0.01 for the tiny encoder, 0.001 for others.",
            CustomParser = OptionParsers.ParsePositive
        };
        var seed = new Option<int>("--seed") { Description = "Seed of the training.", DefaultValueFactory = _ => 1 };
        var output = new Option<FileInfo?>("--output") { Description = "Where to save the model. Default: a temporary folder." };
        var onnx = new Option<FileInfo?>("--onnx")
        {
            Description = "Where to save the model once more, for programs that score with ONNX Runtime and without libtorch."
        };
        var runFolder = new Option<DirectoryInfo?>("--run-folder")
        {
            Description = "Folder for history, TensorBoard events and report.html. Default: they are not written."
        };
        var text = new Option<string[]>("--text")
        {
            Description = "A text to predict at the end; can be repeated.",
            DefaultValueFactory = _ => []
        };
        var smoke = new Option<bool>("--smoke") { Description = "Two epochs, as a quick check." };

        var root = new RootCommand(
            "Fine-tunes a pretrained text encoder into a classifier of texts: of messages of customers, or of yours.")
        {
            train, test, model, hub, strategy, epochs, learningRate, seed, output, onnx, runFolder, text, smoke,
        };
        root.Validators.Add(result =>
        {
            bool Has(Option option) => result.GetResult(option) is { Implicit: false };
            if (Has(train) != Has(test))
                result.AddError("--train and --test must be used together: the model is evaluated on texts that it was not trained on.");
            foreach (var file in new[] { train, test })
            {
                if (result.GetValue(file) is { Exists: false } missing)
                    result.AddError($"{file.Name}: there is no file '{missing}'.");
            }
            if (Has(model) && Has(hub))
                result.AddError("--model and --hub both choose the encoder: take one of them.");
            if (result.GetValue(model) is { Exists: false } folder)
                result.AddError($"--model: there is no folder '{folder}'.");
            if (result.GetValue(output) is { } zip && result.GetValue(onnx)?.FullName == zip.FullName)
                result.AddError("--output and --onnx are two models: give them different names.");
            if (Has(smoke) && Has(epochs))
                result.AddError("--smoke has its own number of epochs: leave --epochs out.");
            foreach (var file in new[] { output, onnx })
            {
                if (result.GetValue(file) is { Directory: { Exists: false } nowhere })
                    result.AddError($"{file.Name}: there is no folder '{nowhere}'.");
            }
        });
        root.SetAction(parsed => run(new TextQuickStartSettings(
            Train: parsed.GetValue(train)?.FullName ?? Path.Combine(Tickets.FolderOfSample, "train.tsv"),
            Test: parsed.GetValue(test)?.FullName ?? Path.Combine(Tickets.FolderOfSample, "test.tsv"),
            Model: parsed.GetValue(model) is { } own ? new ChosenModel.InFolder(own.FullName)
                : parsed.GetValue(hub) is { } name ? new ChosenModel.OfHub(name)
                : new ChosenModel.Embedded(),
            Strategy: parsed.GetValue(strategy),
            Epochs: parsed.GetValue(epochs) ?? (parsed.GetValue(smoke) ? 2 : null),
            LearningRate: parsed.GetValue(learningRate),
            Seed: parsed.GetValue(seed),
            Output: parsed.GetValue(output),
            Onnx: parsed.GetValue(onnx),
            RunFolder: parsed.GetValue(runFolder),
            Texts: parsed.GetValue(text) ?? [])));
        return root.Parse(args);
    }
}
