using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;
using TorchSharp;

namespace MlNetFineTune;

/// <summary>Trains, or fine-tunes, a TorchSharp module of your own over any columns.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Input and output columns
/// | Column | Type | Description |
/// | -- | -- | -- |
/// | Label | Key, Boolean or Single | Multiclass, binary or regression. Rows with a missing key or NaN are left out. |
/// | ExampleWeightColumnName, if named | Single | How much the row counts. |
/// | Features, or any others | Single, Key, vectors of them, pictures | What enters the module, see `ModuleInput`. |
/// | Score (output) | Vector of Single; Single | Class probabilities; the logit; the number. NaN where an input is. |
/// | Probability (output) | Single | Binary only. |
/// | PredictedLabel (output) | Key; Boolean | Multiclass and binary. |
///
/// ### Characteristics
/// | | |
/// | -- | -- |
/// | Machine learning task | Multiclass and binary classification, regression |
/// | Is normalization required? | As the module wants it; most want numbers near 0 and of size 1 (`NormalizeMeanVariance`) |
/// | Is caching required? | No |
/// | Required NuGet in addition to Microsoft.ML | MlNetFineTune, and a native libtorch package |
/// | Exportable to ONNX | No |
/// ]]></format>
/// </remarks>
public sealed class ModuleFineTuningTrainer : IEstimator<ModuleFineTuningTransformer>
{
    private readonly IHostEnvironment _env;
    private readonly ModuleFineTuningOptions _options;
    private readonly ModuleContract _contract;
    private readonly int? _unusedWorkers;

    internal ModuleFineTuningTrainer(IHostEnvironment env, ModuleFineTuningOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        _contract = ModuleContract.Of(options.Factory);
        TorchRuntime.EnsureLoaded();
        _env = env;
        // Numbers are copied faster than threads pass them on.
        var readsPictures = options.Inputs.Any(input => input is ModuleInput.PictureInput);
        _options = readsPictures ? options : options with { Workers = 1 };
        _unusedWorkers = !readsPictures && options is { AsksForWorkers: true, Workers: > 1 } ? options.Workers : null;
    }

    /// <summary>Trains on all rows of <paramref name="input"/>, less those that validate. Every call starts fresh, with a new module.</summary>
    /// <exception cref="OperationCanceledException"><see cref="FineTuningOptions.CancellationToken"/> asked for it.</exception>
    public ModuleFineTuningTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        GetOutputSchema(SchemaShape.Create(input.Schema)); // checks the columns
        using var fit = new FitScope(_env, nameof(ModuleFineTuningTrainer), "FineTuneModule", _options.Seed);
        if (_unusedWorkers is { } workers)
            fit.Channel.Warning($"Workers = {workers} is not used: no input is a picture, and rows of numbers are read by one thread, which is faster. Leave Workers out.");
        using var folder = RunFolder.Open(_options, fit.Channel);
        var options = _options with { Observer = folder ?? _options.Observer };
        var device = Devices.Choose(fit.Host, fit.Channel);
        var task = _options.Task;
        var keys = task.KeysOf(input.Schema[task.Label]);
        var outputs = task.Objective(keys, calibration: null).Outputs;
        var shapes = ModuleInputShapes.Resolve(_options.Inputs, fit.Host, input.Schema);
        var source = ModuleInputShapes.SourceOf(_options.Inputs, shapes);
        if ((long)source.Length * _options.BatchSize > Array.MaxLength)
            throw new InvalidOperationException(FormattableString.Invariant($"BatchSize {_options.BatchSize} rows of {source.Length:N0} bytes do not fit into one buffer: lower BatchSize."));

        // Before the data are read, which may take longer than to find that the module does not fit them.
        var network = ModuleNetwork.Create(_options.Factory, _contract.Name, _options.Inputs, new ModuleContext(shapes, outputs), fit.Seed);
        try
        {
            if (_options.WeightsFile is { } weights)
            {
                foreach (var note in network.LoadWeights(weights))
                    fit.Channel.Info($"Weights '{Path.GetFileName(weights)}': {note}");
            }
            network.MoveTo(device);
            var plan = _options.Strategy.Resolve(network.Name, network.Stages, _options.Epochs);
            using var data = TrainingData.Read(fit.Host, fit.Channel, input, _options, source, task.Labels(keys), fit.Seed);
            using var loop = new TrainingLoop(network, task.TrainingObjective(keys, data.Training.LabelsOf(data.Training.Rows)), plan, data, options, fit.Seed, fit.Host, fit.Channel);
            var trained = loop.Run();
            network.PrepareForScoring();
            var report = trained.Calibrate(loop.ValidationOutputs, task.ClassNames(keys), data, options, fit);
            var objective = task.Objective(keys, report.Calibration);
            RunReport.Write(folder, network, loop.ValidationOutputs, objective, task.ClassNames(keys), data, options, fit.Seed, report);
            return new ModuleFineTuningTransformer(fit.Host, network, task, _options.Inputs, shapes, keys, ManifestOf(), report);

            ModuleManifest ManifestOf() => new()
            {
                FormatVersion = ModuleManifest.CurrentVersion,
                Packages = Scoring.ManifestOf.Packages,
                Module = _contract,
                Task = ModuleTaskManifest.Of(task),
                Inputs = [.. _options.Inputs.Zip(shapes, ModuleInputManifest.Of)],
                Classes = keys?.Names ?? [],
                Options = Scoring.ManifestOf.Describe(_options),
                Seed = fit.Seed,
                Threads = torch.get_num_threads(),
                Training = TrainingManifest.Of(report),
                Calibration = report.Calibration,
                OnProbeMismatch = _options.OnProbeMismatch,
                ProbeScores = ProbeRow.Score(network, objective, _options.Inputs, shapes),
            };
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>What <see cref="Fit"/> will add, after checking that label and inputs are there and of a known type.</summary>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var task = _options.Task;
        task.CheckLabel(_env, inputSchema);
        WeightColumn.Check(_env, inputSchema, _options.ExampleWeightColumnName);
        ModuleInputShapes.Check(_options.Inputs, _env, inputSchema);
        _options.Validation.Check(_env, inputSchema);

        var columns = inputSchema.ToDictionary(column => column.Name);
        foreach (var added in task.Shapes(columns[task.Label]))
            columns[added.Name] = added;
        return new SchemaShape(columns.Values);
    }
}
