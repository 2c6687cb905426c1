using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Tool;

/// <summary>A multiclass model of photos or texts: what it reads and predicts, under the same names for every model.</summary>
internal sealed class Classifier : IDisposable
{
    private readonly MLContext _ml;
    private readonly IDisposable? _owned;
    private readonly string _column;
    private readonly TaskColumns _outputs;

    private Classifier(MLContext ml, FineTuningTransformer network, IDisposable? owned)
    {
        (_ml, Network, _owned) = (ml, network, owned);
        (Kind, _column) = network.Manifest.Input switch
        {
            ImageInputManifest { RawPixels: null } photos => (RowKind.Photos, photos.Column),
            TextInputManifest { SecondColumn: null } texts => (RowKind.Texts, texts.Column),
            _ => throw new NotSupportedException(
                $"This command line runs models of photos or of single texts, and this one reads {network.Inputs.Form}: use it in a "
                + "program."),
        };
        _outputs = network.Manifest.Task is MulticlassManifest classes ? classes.Columns : throw new NotSupportedException(
            "This command line runs models that choose one of several classes (LearningTask.Multiclass), and this one has another task: "
            + "use it in a program.");
    }

    public FineTuningTransformer Network { get; }

    public RowKind Kind { get; }

    /// <summary>Names of the classes in the order of the probabilities.</summary>
    public IReadOnlyList<string> Classes => Network.Classes;

    /// <summary>Loads a model's zip.</summary>
    /// <param name="ml">The context.</param>
    /// <param name="path">Path of the zip.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no model, or none of this library.</exception>
    /// <exception cref="NotSupportedException">The model has another task or other inputs than photos or texts.</exception>
    public static Classifier Open(MLContext ml, string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no file '{path}'.");
        ITransformer model = Load(ml, path);
        try
        {
            return new Classifier(ml, NetworkIn(model, path), model as IDisposable);
        }
        catch
        {
            (model as IDisposable)?.Dispose();
            throw;
        }
    }

    /// <summary>A model in memory, which its owner disposes.</summary>
    public static Classifier Of(MLContext ml, FineTuningTransformer network) => new(ml, network, owned: null);

    /// <summary>Scores inputs in batches, in their order, as they come.</summary>
    /// <param name="inputs">Paths of photos, or texts. Enumerated once.</param>
    public IEnumerable<Prediction> Predict(IEnumerable<string> inputs)
    {
        IDataView rows = _ml.Data.LoadFromEnumerable(inputs.Select(input => new InputRow<string> { Input = input }));
        ITransformer scorer = CreateScorer<string>();
        return _ml.Data.CreateEnumerable<ScoredInput>(scorer.Transform(rows), reuseRowObject: false)
            .Select(row => ToPrediction(row.Input, row.Probabilities, () => WhyUnreadable(row.Input)));
    }

    /// <summary>
    /// A predictor of single inputs, which batches those of concurrent callers. The caller disposes it, before the model.
    /// </summary>
    /// <typeparam name="T">String for texts and paths, bytes for the content of photos.</typeparam>
    /// <param name="options">Queue and batches.</param>
    /// <param name="example">An input for the warm-up.</param>
    public Predictor<InputRow<T>, ScoredRow> CreatePredictor<T>(PredictorOptions options, T example)
        where T : class => _ml.Model.CreatePredictor<InputRow<T>, ScoredRow>(
            CreateScorer<T>(), options, new InputRow<T> { Input = example });

    /// <summary>The prediction of an input by its scores.</summary>
    /// <param name="input">Text of the input.</param>
    /// <param name="probabilities">One for each class; NaN if the input cannot be read.</param>
    /// <param name="findReason">Says why it cannot be read.</param>
    public Prediction ToPrediction(string input, float[] probabilities, Func<string> findReason)
    {
        if (float.IsNaN(probabilities[0]))
            return new Prediction(input, Class: null, Probability: null, Probabilities: null, Error: findReason());
        var ofClasses = new OrderedDictionary<string, float>(
            Classes.Zip(probabilities, (name, probability) => KeyValuePair.Create(name, probability)), StringComparer.Ordinal);
        (string best, float most) = ofClasses.MaxBy(one => one.Value);
        return new Prediction(input, best, most, ofClasses, Error: null);
    }

    /// <summary>Why an input cannot be read.</summary>
    public string WhyUnreadable<T>(T input)
        where T : class
    {
        IDataView row = _ml.Data.LoadFromEnumerable([new InputRow<T> { Input = input }]);
        return Network.WhyNotScored(Renaming<T>().Transform(row)).Single() ?? "it has no scores";
    }

    /// <summary>ML.NET's metrics on labelled rows.</summary>
    /// <param name="rows">Rows of the model's kind.</param>
    /// <exception cref="InvalidDataException">The rows are of another kind, have an unknown class, or none can be read.</exception>
    public (MulticlassClassificationMetrics Metrics, Evaluation Document) Evaluate(LabeledRows rows)
    {
        IDataView inputs = ToInputs(rows);
        rows.RequireClassesOf(Classes, "the model");
        IDataView classes = _ml.Data.LoadFromEnumerable(Classes.Select(name => new ClassName { Name = name }));
        IDataView keyed = _ml.Transforms.Conversion.MapValueToKey("Label", keyData: classes).Fit(inputs).Transform(inputs);

        // Read twice, scored once.
        IDataView scored = _ml.Data.Cache(Network.Transform(keyed), "Label", _outputs.Score, _outputs.PredictedLabel);
        int unreadable = ProgressDisplay.While($"scoring {Kind.Noun}", progress => CountUnreadable(scored, rows.Labels.Count, progress));
        if (unreadable == rows.Labels.Count)
            throw new InvalidDataException($"None of the {unreadable} {Kind.Noun} of '{rows.Source}' can be read.");
        MulticlassClassificationMetrics metrics = _ml.MulticlassClassification.Evaluate(
            scored, "Label", _outputs.Score, _outputs.PredictedLabel);
        return (metrics, Evaluation.Of(rows.Source, rows.Labels.Count, unreadable, metrics, Classes));
    }

    /// <summary>Labelled rows with the model's own column.</summary>
    /// <exception cref="InvalidDataException">The rows are of another kind.</exception>
    public IDataView ToInputs(LabeledRows rows) => rows.Kind == Kind
        ? _ml.Transforms.CopyColumns(_column, Kind.Column).Fit(rows.View).Transform(rows.View)
        : throw new InvalidDataException($"The model reads {Kind.Noun}, and '{rows.Source}' has {rows.Kind.Noun}.");

    public void Dispose() => _owned?.Dispose();

    private int CountUnreadable(IDataView scored, int count, ProgressDisplay progress)
    {
        int done = 0, unreadable = 0;
        foreach (float[] scores in scored.GetColumn<float[]>(_outputs.Score))
        {
            unreadable += float.IsNaN(scores[0]) ? 1 : 0;
            progress.Show(++done / (double)count, $"{done}/{count} {Kind.Noun}");
        }
        return unreadable;
    }

    private static ITransformer Load(MLContext ml, string path)
    {
        try
        {
            return ml.Model.Load(path, out _);
        }
        catch (Exception e) when (e is not (OutOfMemoryException or DllNotFoundException))
        {
            // ML.NET calls loaders by reflection: the cause is the innermost exception.
            throw new InvalidDataException($"'{path}' is no model that can be loaded: {e.GetBaseException().Message}", e);
        }
    }

    private static FineTuningTransformer NetworkIn(ITransformer model, string path)
    {
        var parts = PartsOf(model).ToList();
        if (parts.OfType<FineTuningTransformer>().ToList() is not [var network])
            throw new InvalidDataException($"'{path}' is a model of ML.NET without a fine-tuned network, or with several.");
        // What comes before the network would be missing in the scores.
        var other = parts.Find(part => part is not (FineTuningTransformer or ValueToKeyMappingTransformer or KeyToValueMappingTransformer));
        return other is null ? network : throw new NotSupportedException(
            $"'{path}' has {other.GetType().Name} beside its network, which this command line would leave out: use it in a program.");
    }

    private static IEnumerable<ITransformer> PartsOf(ITransformer model) =>
        model is IEnumerable<ITransformer> chain ? chain.SelectMany(PartsOf) : [model];

    private ITransformer CreateScorer<T>()
        where T : class
    {
        ITransformer renaming = Renaming<T>();
        IDataView scored = Network.Transform(renaming.Transform(_ml.Data.LoadFromEnumerable<InputRow<T>>([])));
        return new TransformerChain<ITransformer>(
            renaming, Network, _ml.Transforms.CopyColumns(nameof(ScoredRow.Probabilities), _outputs.Score).Fit(scored));
    }

    private ITransformer Renaming<T>()
        where T : class =>
        _ml.Transforms.CopyColumns(_column, nameof(InputRow<>.Input)).Fit(_ml.Data.LoadFromEnumerable<InputRow<T>>([]));

    private sealed class ClassName
    {
        public string Name { get; set; } = "";
    }

    private sealed class ScoredInput
    {
        public string Input { get; set; } = "";

        public float[] Probabilities { get; set; } = [];
    }
}

/// <summary>An input of a model: a path, a text, or the content of a file.</summary>
internal sealed class InputRow<T>
    where T : class
{
    public required T Input { get; set; }
}

/// <summary>The output of a model.</summary>
internal sealed class ScoredRow
{
    public float[] Probabilities { get; set; } = [];
}
