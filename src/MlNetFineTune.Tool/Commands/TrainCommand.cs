using System.CommandLine;
using System.CommandLine.Parsing;
using Microsoft.ML;

namespace MlNetFineTune.Tool;

/// <summary><c>finetune train</c>.</summary>
internal sealed class TrainCommand
{
    private readonly Argument<string> _data = CommonOptions.Data("The training rows");
    private readonly Option<string?> _test = new("--test")
    {
        Description = "Rows for evaluating the finished model, in the same form and with the same classes. Default: it is not evaluated.",
        HelpName = "DATA",
    };
    private readonly Option<FileInfo> _output = new("--output", "-o")
    {
        Description = "The model's file, a zip. An existing one is replaced after the training.",
        HelpName = "FILE",
        Required = true,
    };
    private readonly Option<string?> _backbone = CommonOptions.BackboneName();
    private readonly Option<string?> _weights = CommonOptions.Weights();
    private readonly Option<Strategy?> _strategy = TrainingOptions.Strategy("full for photos, probe-then-full for texts");
    private readonly Option<Augmentation?> _augmentation =
        TrainingOptions.Augmentations("light for photos, and none with --strategy head");
    private readonly Option<int?> _epochs = TrainingOptions.Epochs("10 for photos, 6 for texts");
    private readonly Option<float?> _learningRate = TrainingOptions.LearningRate("0.001");
    private readonly Option<int?> _batchSize = new("--batch-size")
    {
        Description = "Rows in a step. Default: 16 for photos, 32 for texts.",
        HelpName = "N",
        CustomParser = OptionParsers.ParseCount,
    };
    private readonly Option<int?> _maximumLength = new("--max-length")
    {
        Description = "Tokens of a text that are read. Default: 128.",
        HelpName = "N",
        CustomParser = OptionParsers.ParseCount,
    };
    private readonly Option<float?> _validation = new("--validation")
    {
        Description = "Fraction of the rows that choose the best epoch; 0 for none. Default: 0.2.",
        HelpName = "FRACTION",
        CustomParser = OptionParsers.ParseFraction,
    };
    private readonly Option<Precision?> _precision = new("--precision")
    {
        Description = "Number format of the computation: float32, bfloat16, or auto (bfloat16 where it is faster). Default: float32.",
        HelpName = "FORMAT",
        CustomParser = OptionParsers.ParsePrecision,
        CompletionSources = { "float32", "bfloat16", "auto" },
    };
    private readonly Option<TimeSpan?> _timeBudget = new("--time-budget")
    {
        Description = "Time after which the training ends with the best model so far, such as 90s, 30m, 2h. Default: none.",
        HelpName = "TIME",
        CustomParser = OptionParsers.ParseDuration,
    };
    private readonly Option<DirectoryInfo?> _checkpoint = new("--checkpoint")
    {
        Description = "Folder for checkpoints after each epoch. The same command goes on from the newest. Default: none are written.",
        HelpName = "FOLDER",
    };
    private readonly Option<int> _seed = TrainingOptions.Seed();
    private readonly Option<DirectoryInfo?> _runFolder = TrainingOptions.RunFolder();
    private readonly Option<float?> _coverage = TrainingOptions.Coverage();
    private readonly Option<DirectoryInfo?> _explain = TrainingOptions.Explain();
    private readonly Option<FileInfo?> _examine = TrainingOptions.Examine();
    private readonly Option<FileInfo?> _card = CommonOptions.Card();
    private readonly Option<bool> _json = CommonOptions.Json("the result as a JSON document");
    private readonly ColumnOptions _columns = new();

    private TrainCommand()
    {
    }

    public static Command Create() => new TrainCommand().ToCommand();

    private Command ToCommand()
    {
        var command = new Command("train",
            "Fine-tunes a network on photos or texts. Ctrl-C ends the training with the best model so far, a second one without.")
        {
            _data, _output, _test, _backbone, _weights, _strategy, _augmentation, _epochs, _learningRate, _batchSize, _maximumLength,
            _validation, _precision, _timeBudget, _checkpoint, _seed, _runFolder, _coverage, _explain, _examine, _card, _json,
        };
        _columns.AddTo(command);
        command.Validators.Add(result => OutputFile.RefuseOneForTwo(
            result, (_output.Name, result.GetValue(_output)), (_card.Name, result.GetValue(_card)),
            (_examine.Name, result.GetValue(_examine))));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        bool isForPrograms = parsed.GetValue(_json);
        if (isForPrograms)
            JsonOutput.Begin();
        string output = parsed.GetRequiredValue(_output).FullName;
        OutputFile.RequireWritable(output);
        OutputFile.RequireWritable(parsed.GetValue(_card)?.FullName);
        OutputFile.RequireWritable(parsed.GetValue(_examine)?.FullName);

        MLContext ml = ToolContext.Create(parsed.GetValue(_seed));
        ColumnNames columns = _columns.Of(parsed);
        LabeledRows train = LabeledRows.Read(ml, parsed.GetRequiredValue(_data), columns);
        LabeledRows? test = parsed.GetValue(_test) is { } path ? LabeledRows.Read(ml, path, columns) : null;
        TrainResult result = TrainRun.Start(ml, new TrainSettings(train, test, OptionsOf(parsed, train.Kind), output)
        {
            Examine = parsed.GetValue(_examine)?.FullName,
            Explain = parsed.GetValue(_explain)?.FullName,
            Card = parsed.GetValue(_card)?.FullName,
        });
        if (isForPrograms)
            JsonOutput.Write(result);
        return CommandRun.Done;
    }

    private FineTuningOptions OptionsOf(ParseResult parsed, RowKind kind)
    {
        FineTuningOptions own = kind == RowKind.Photos ? OptionsOfPhotos(parsed) : OptionsOfTexts(parsed);
        return own with
        {
            Strategy = parsed.GetValue(_strategy) ?? own.Strategy,
            Epochs = parsed.GetValue(_epochs) ?? own.Epochs,
            LearningRate = parsed.GetValue(_learningRate) ?? own.LearningRate,
            BatchSize = parsed.GetValue(_batchSize) ?? own.BatchSize,
            Validation = parsed.GetValue(_validation) switch
            {
                null => own.Validation,
                0 => ValidationData.None,
                { } fraction => ValidationData.Fraction(fraction),
            },
            Precision = parsed.GetValue(_precision) ?? own.Precision,
            TimeBudget = parsed.GetValue(_timeBudget),
            Checkpoint = parsed.GetValue(_checkpoint) is { } folder ? TrainingCheckpoint.EveryEpochs(folder.FullName) : own.Checkpoint,
            RunFolder = parsed.GetValue(_runFolder)?.FullName,
            Conformal = parsed.GetValue(_coverage) is { } coverage ? new ConformalPrediction { Coverage = coverage } : null,
        };
    }

    private ImageFineTuningOptions OptionsOfPhotos(ParseResult parsed)
    {
        if (parsed.GetValue(_maximumLength) is not null)
            throw new ArgumentException("--max-length is of texts, and the data are photos: leave it out.");
        var options = new ImageFineTuningOptions
        {
            Backbone = CommonOptions.ChoosePhotos(parsed.GetValue(_backbone), parsed.GetValue(_weights)),
        };
        // Without augmentation, a frozen network computes the features of each photo only once.
        Augmentation? augmentation = parsed.GetValue(_augmentation)
            ?? (parsed.GetValue(_strategy) == Strategy.HeadOnly ? Augmentation.None : null);
        return augmentation is null ? options : options with { Augmentation = augmentation };
    }

    private TextFineTuningOptions OptionsOfTexts(ParseResult parsed)
    {
        foreach (Option option in new Option[] { _weights, _augmentation, _explain, _examine })
        {
            if (parsed.GetResult(option) is not null)
                throw new ArgumentException($"{option.Name} is of photos, and the data are texts: leave it out.");
        }
        TextBackbone backbone = Encoders.OfTexts(parsed.GetValue(_backbone) ?? throw new ArgumentException(
            "--backbone is missing: a folder with a text encoder as on the hub, or its name there, such as "
            + "sentence-transformers/all-MiniLM-L6-v2."));
        var options = new TextFineTuningOptions { Backbone = backbone };
        return options with { MaximumLength = Math.Min(parsed.GetValue(_maximumLength) ?? options.MaximumLength, backbone.MaximumLength) };
    }
}
