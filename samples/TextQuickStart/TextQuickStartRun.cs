using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using MlNetFineTune;
using MlNetFineTune.Tool;

namespace TextQuickStart;

/// <summary>All steps: texts, training, evaluation, model file, prediction.</summary>
internal static class TextQuickStartRun
{
    private static readonly string[] s_ours =
    [
        "You took 20 euros from my card and I don't know what for.",
        "The postman dropped the box and now the glass inside is in pieces.",
        "Which of the two bikes would be better for hills?",
    ];

    public static int Start(TextQuickStartSettings settings)
    {
        var ml = new MLContext(settings.Seed);
        var (training, testing) = (Tickets.Read(settings.Train), Tickets.Read(settings.Test));
        string[] trainLabels = [.. training.Select(ticket => ticket.Team)], testLabels = [.. testing.Select(ticket => ticket.Team)];
        if (testLabels.Except(trainLabels).FirstOrDefault() is { } unknown)
            throw new InvalidDataException($"'{settings.Test}' has the label '{unknown}', which '{settings.Train}' lacks.");
        Screen.Title("Texts");
        Console.WriteLine($"train: {settings.Train}");
        Console.WriteLine($"test:  {settings.Test}");
        Screen.ShowClasses(trainLabels, testLabels);

        IDataView train = ml.Data.LoadFromEnumerable(training), test = ml.Data.LoadFromEnumerable(testing);
        Screen.Title("Training");
        TextBackbone backbone = settings.Model.Open();
        Console.WriteLine($"Encoder: {backbone}");
        using TransformerChain<KeyToValueMappingTransformer> model = Train(ml, train, backbone, settings);
        var classifier = model.OfType<FineTuningTransformer>().Single();
        Screen.ShowTraining(classifier.Report!, "texts");

        Screen.Title("Test texts, which the training has not seen");
        MulticlassClassificationMetrics metrics = TextClassifier.Evaluate(ml, model, test);
        Screen.ShowMetrics(metrics, classifier.Classes);
        MulticlassClassificationMetrics without = TextClassifier.Evaluate(ml, TextClassifier.TrainWithoutNetwork(ml, train), test);
        Console.WriteLine($"ML.NET without a network (FeaturizeText and SDCA) on the same texts: accuracy {without.MicroAccuracy:0.000}, "
            + $"F1 {without.F1().Macro:0.000}");

        Screen.Title("Model");
        string zip = settings.Output?.FullName
            ?? Path.Combine(Directory.CreateTempSubdirectory("textquickstart-").FullName, "model.zip");
        ml.Model.Save(model, train.Schema, zip);
        Screen.ShowFile(zip);
        IReadOnlyList<string> texts = settings.Texts is { Count: > 0 } own ? own
            : settings.Train.StartsWith(Tickets.FolderOfSample, StringComparison.Ordinal) ? s_ours
            : [testing[0].Text];
        ShowPredictions("Loaded in a fresh MLContext, it says of", zip, texts);
        if (settings.Onnx is { } onnx)
        {
            OnnxModel.Save(ml, model, test, onnx.FullName);
            Screen.ShowFile(onnx.FullName);
            ShowPredictions("In ONNX Runtime it says of", onnx.FullName, texts);
        }

        Console.WriteLine();
        if (settings.Model is ChosenModel.Embedded)
        {
            Console.WriteLine("The encoder is a demonstration, pretrained within minutes on one core. For real work choose a real one: "
                + "--model FOLDER or --hub sentence-transformers/all-MiniLM-L6-v2.");
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"accuracy={metrics.MicroAccuracy:0.00} f1={metrics.F1().Macro:0.00} without-network={without.MicroAccuracy:0.00}"));
        return 0;
    }

    private static TransformerChain<KeyToValueMappingTransformer> Train(
        MLContext ml, IDataView texts, TextBackbone backbone, TextQuickStartSettings settings)
    {
        using var keys = new CtrlC();
        using var display = new TrainingDisplay(ml, "FineTuneText", "texts");
        TextFineTuningOptions recipe = settings.Model is ChosenModel.Embedded ? Recipe.Tiny(backbone) : Recipe.Usual(backbone);
        return display.While(progress => TextClassifier.Train(ml, texts, recipe with
        {
            Strategy = settings.Strategy ?? recipe.Strategy,
            Epochs = settings.Epochs ?? recipe.Epochs,
            LearningRate = settings.LearningRate ?? recipe.LearningRate,
            RunFolder = settings.RunFolder?.FullName,
            Progress = progress,
            StopToken = keys.StopToken,
            CancellationToken = keys.CancellationToken,
        }));
    }

    private static void ShowPredictions(string title, string zip, IReadOnlyList<string> texts)
    {
        Console.WriteLine(title);
        var ml = new MLContext();
        ITransformer model = ml.Model.Load(zip, out _);
        using var owner = model as IDisposable;
        foreach (var (text, prediction) in texts.Zip(TextClassifier.Predict(ml, model, texts)))
            Console.WriteLine($"  \"{text}\": {prediction.PredictedLabel}, probability {prediction.Score.Max():0.00}");
    }
}
