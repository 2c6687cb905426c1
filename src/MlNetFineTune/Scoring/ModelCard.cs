using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Scoring;

/// <summary>
/// A model card in the form of Hugging Face's (Mitchell et al. 2019, https://arxiv.org/abs/1810.03993): Markdown with metadata as YAML at
/// its head. It says what the manifest records; what only people know is "not recorded", for them to fill in.
/// </summary>
/// <param name="manifest">The manifest of the model.</param>
/// <param name="heads">The heads, with the prefixes of their columns: "" if there is one.</param>
/// <param name="layers">The layers of the network.</param>
/// <param name="weightsSha256">SHA-256 of the weights, in lower-case hexadecimal.</param>
internal sealed partial class ModelCard(
    ModelManifest manifest, IReadOnlyList<(string Prefix, BoundTask Task)> heads, IReadOnlyList<ModelLayer> layers, string weightsSha256)
{
    private const string NotRecorded = "*Not recorded.*";
    private const int MostClasses = 1000;

    // The hub's names of metrics.
    private static readonly Dictionary<string, string> s_hubMetrics = new(StringComparer.Ordinal)
    {
        [Metric.Accuracy.Name] = "accuracy",
        [Metric.WordAccuracy.Name] = "accuracy",
        [Metric.F1.Name] = "f1",
        [Metric.MicroF1.Name] = "f1",
        [Metric.MacroF1.Name] = "f1",
        [Metric.EntityF1.Name] = "seqeval",
        [Metric.AreaUnderRocCurve.Name] = "roc_auc",
        [Metric.MeanAbsoluteError.Name] = "mae",
        [Metric.RSquared.Name] = "r_squared",
        [Metric.ExactMatch.Name] = "exact_match",
    };

    // YAML's quoted strings contain those of JSON.
    private static readonly JsonSerializerOptions s_quoted = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly StringBuilder _card = new();

    private TrainingManifest Training => manifest.Training;

    /// <summary>The card, with a line feed after each line.</summary>
    public string Write()
    {
        WriteMetadata();
        WriteModel();
        WriteUse();
        WriteTraining();
        WriteEvaluation();
        return _card.ToString();
    }

    private void WriteMetadata()
    {
        Line("---");
        Line("# The licence is not recorded. Choose one, such as: license: mit");
        Line("library_name: mlnetfinetune");
        if (PipelineTag is { } tag)
            Line($"pipeline_tag: {tag}");
        if (HubRepository().Match(manifest.Encoder.WeightsOrigin ?? "") is { Success: true } repository)
            Line($"base_model: {Quoted(repository.Groups[1].Value)}");
        Line("tags:");
        foreach (var name in new[] { "mlnetfinetune", "ml.net", NetworkName }.Distinct(StringComparer.Ordinal))
            Line($"- {Quoted(name)}");
        var metrics = HubMetrics;
        if (metrics.Count > 0)
            Line("metrics:");
        foreach (var metric in metrics)
            Line($"- {metric}");
        Line("---");
    }

    private void WriteModel()
    {
        Line();
        Line($"# {MarkdownText.Of(NetworkName)}, fine-tuned");
        Line();
        Line("Written from the model's own record. What it does not contain is marked as not recorded; replace these marks.");
        Section("Model");
        Table(
            ("Task", Option("Task") is { } text ? MarkdownText.Of(text, SafeText.SentenceLength) : NotRecorded),
            ("Input", InputText),
            ("Network", MarkdownText.Of(NetworkName)),
            ("Pretrained weights", PretrainedText),
            ("Adapters", manifest.Adapter is { } lora ? $"LoRA, rank {Number(lora.Rank)}, alpha {Number(lora.Alpha)}" : "none"),
            ("Parameters", Number(layers.Sum(layer => layer.Parameters))),
            ("Number format of the weights", manifest.WeightPrecision == WeightPrecision.Float16 ? "16-bit floats" : "32-bit floats"),
            ("SHA-256 of the model's weights", weightsSha256),
            ("Views of a picture that are scored", MarkdownText.Of(manifest.TestTimeAugmentation)),
            ("Teacher", manifest.Distillation is { } teacher
                ? $"{MarkdownText.Of(teacher.Teacher)}, SHA-256 of its weights {MarkdownText.Of(teacher.WeightsSha256)}" : "none"),
            ("Author, contact, licence", NotRecorded));
        foreach (var (prefix, task) in heads)
        {
            if (task.ClassNames is { } classes && classes.Count == task.Outputs)
                WriteClasses(prefix, classes);
        }
    }

    private void WriteClasses(string prefix, IReadOnlyList<string> classes)
    {
        Section($"Classes{(prefix.Length > 0 ? $" of {MarkdownText.Of(prefix.TrimEnd('.'))}" : "")} ({Number(classes.Count)})");
        Line("In the order of the scores, from 0:");
        Line();
        Line("| | |");
        Line("|---|---|");
        foreach (var (index, name) in classes.Take(MostClasses).Index())
            Line($"| {Number(index)} | {MarkdownText.Of(name)} |");
        if (classes.Count > MostClasses)
            Line($"| ... | {Number(classes.Count - MostClasses)} more |");
    }

    private void WriteUse()
    {
        Section("Intended use");
        Line(NotRecorded + " Say for whom and for what the model is, and for what it is not.");
        Section("Limits");
        var hasClasses = manifest.Task is MulticlassManifest or BinaryManifest or OrdinalManifest;
        Line("The model knows nothing but its training rows: it answers for inputs of other kinds too"
            + $"{(hasClasses ? ", with a class of its own" : "")}.");
        if (manifest.Conformal is { } conformal)
        {
            Line($"Sets of classes were calibrated for a coverage of {Number(conformal.Coverage)} on {Number(conformal.Rows)} rows; this "
                + "holds for rows of the same kind.");
        }
        Line();
        Line("Groups on which it is worse, and the harm that its errors do: " + NotRecorded);
        Section("Use");
        Line("```csharp");
        Line("var ml = new MLContext();");
        Line("ITransformer model = ml.Model.Load(\"model.zip\", out _); // packages MlNetFineTune and libtorch");
        Line("```");
    }

    private void WriteTraining()
    {
        Section("Training data");
        Table(
            ("Rows", Number(Training.Rows)),
            ("Validation rows", Number(Training.ValidationRows)),
            ("Rows of each class", NotRecorded),
            ("Origin, licence, consent, time of collection", NotRecorded));
        Section("Training");
        Table(
            ("Epochs run", Number(Training.EpochsRun)),
            ("Epoch of the weights", Training.BestEpoch > 0 ? Number(Training.BestEpoch) : "none was complete"),
            ("Seed", Number(manifest.Seed)),
            ("Threads of libtorch", Number(manifest.Threads)),
            ("Computed in", manifest.UsesBFloat16 ? "bfloat16, with weights in 32-bit floats" : "32-bit floats"),
            ("Versions", string.Join(", ", manifest.Packages.Select(package => MarkdownText.Of($"{package.Key} {package.Value}")))));
        Line();
        Line("| layer | parameters | trained | learning rates |");
        Line("|---|---|---|---|");
        foreach (var layer in layers)
        {
            Line($"| {MarkdownText.Of(layer.Name)} | {Number(layer.Parameters)} | "
                + $"{(layer.TrainedParameters is { } trained ? Number(trained) : "not recorded")} | {MarkdownText.Of(layer.Rates)} |");
        }
        Line();
        Line("| option | value |");
        Line("|---|---|");
        foreach (var (name, value) in manifest.Options.OrderBy(option => option.Key, StringComparer.Ordinal))
            Line($"| {MarkdownText.Of(name)} | {MarkdownText.Of(value, SafeText.SentenceLength)} |");
    }

    private void WriteEvaluation()
    {
        Section("Evaluation");
        if (Training.ValidationLoss is { } loss)
        {
            Line($"On the {Number(Training.ValidationRows)} validation rows, which also chose the epoch, so that it is better here than on "
                + "new rows:");
            Line();
            Line("| metric | value |");
            Line("|---|---|");
            Line($"| Loss | {Rounded(loss)} |");
            foreach (var (name, value) in Training.ValidationMetrics ?? new Dictionary<string, double>())
                Line($"| {MarkdownText.Of(name)} | {Rounded(value)} |");
        }
        else
        {
            Line("Without validation rows: " + NotRecorded);
        }
        if (Calibration is { } calibration)
        {
            Line();
            Line($"Calibrated with the temperature {Rounded(calibration.Temperature)}: the expected calibration error on the validation "
                + $"rows was {Rounded(calibration.ErrorBefore)} before and {Rounded(calibration.ErrorAfter)} after.");
        }
        Line();
        Line("On test data: " + NotRecorded);
    }

    private string NetworkName => manifest.Encoder switch
    {
        BackboneManifest backbone => backbone.Name,
        TextNetworkManifest text => text.Name,
        ModuleManifest module => module.Contract.Name,
        _ => "network",
    };

    private string PretrainedText => manifest.Encoder is ModuleManifest ? NotRecorded
        : manifest.Encoder.WeightsOrigin is { } origin
            ? $"{MarkdownText.Of(origin, SafeText.SentenceLength)} (SHA-256: not recorded)"
            : "none: random weights";

    private string InputText => manifest.Input switch
    {
        ImageInputManifest pictures => TextOf(pictures),
        FusedInputManifest both => $"{TextOf(both.Image)}, and columns {Names(both.Table.Select(column => column.Column))}",
        TextInputManifest { SecondColumn: { } second } pairs =>
            $"pairs of texts, columns {Names([pairs.Column, second])}, up to {Number(pairs.MaximumLength)} tokens",
        TextInputManifest texts => $"texts, column {Names([texts.Column])}, up to {Number(texts.MaximumLength)} tokens",
        WordInputManifest words => $"words of texts, column {Names([words.Column])}",
        AnswerInputManifest => "a question and the context of its answer",
        NumberInputManifest numbers => $"numbers or keys, column {Names([numbers.Column])}",
        SequenceInputManifest steps => $"sequences of up to {Number(steps.MaximumLength)} steps, column {Names([steps.Column])}",
        TableInputManifest table => $"{Number(table.Parts.Count)} columns",
        _ => NotRecorded,
    };

    // The hub's names of tasks; null where it has none.
    private string? PipelineTag => (manifest.Task, manifest.Input) switch
    {
        (TokenClassificationManifest, _) => "token-classification",
        (QuestionAnsweringManifest, _) => "question-answering",
        (MulticlassManifest or BinaryManifest or OrdinalManifest or MultiLabelManifest, ImageInputManifest or FusedInputManifest) =>
            "image-classification",
        (MulticlassManifest or BinaryManifest or OrdinalManifest or MultiLabelManifest, TextInputManifest) => "text-classification",
        (MulticlassManifest or BinaryManifest or OrdinalManifest, NumberInputManifest) => "tabular-classification",
        (RegressionManifest, NumberInputManifest) => "tabular-regression",
        _ => null,
    };

    private IReadOnlyList<string> HubMetrics =>
    [
        .. (Training.ValidationMetrics?.Keys ?? []).Select(name => s_hubMetrics.GetValueOrDefault(name)).OfType<string>()
            .Distinct().Order(StringComparer.Ordinal),
    ];

    private Calibration.Report? Calibration => manifest.Task switch
    {
        MulticlassManifest classes => classes.Calibration,
        OrdinalManifest ranks => ranks.Calibration,
        BinaryManifest binary => binary.Calibration,
        _ => null,
    };

    private static string TextOf(ImageInputManifest pictures) =>
        $"pictures, column {Names([pictures.Column])}, {Number(pictures.Preprocessing.Size)} x {Number(pictures.Preprocessing.Size)} "
            + $"pixels, {Number(pictures.Channels)} channels";

    private static string Names(IEnumerable<string> columns) => string.Join(", ", columns.Select(column => MarkdownText.Of(column)));

    private static string Number<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);

    private static string Rounded(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static string Quoted(string text) => JsonSerializer.Serialize(SafeText.Of(text), s_quoted);

    private string? Option(string name) => manifest.Options.GetValueOrDefault(name);

    private void Section(string title)
    {
        Line();
        Line($"## {title}");
        Line();
    }

    private void Table(params IEnumerable<(string Name, string Value)> rows)
    {
        Line("| | |");
        Line("|---|---|");
        foreach (var (name, value) in rows)
            Line($"| {name} | {value} |");
    }

    private void Line(string text = "") => _card.Append(text).Append('\n');

    // The origin of weights of a hub: owner/name@commit/file.
    [GeneratedRegex(@"\A([A-Za-z0-9][\w.-]*/[\w.-]+)@")]
    private static partial Regex HubRepository();
}
