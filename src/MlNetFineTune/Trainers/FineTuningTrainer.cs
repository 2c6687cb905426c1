using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Trainers;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>
/// Fine-tunes a network: an image backbone (<c>FineTuneImages</c>), a text encoder (<c>FineTuneText</c>) or a module of your own
/// (<c>FineTuneModule</c>), for any <see cref="LearningTask"/>.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Input and Output Columns
/// The task determines the label's type and the output columns: see `LearningTask`. The options name the input columns.
///
/// ### Trainer Characteristics
/// | | |
/// | -- | -- |
/// | Machine learning task | Multiclass, ordinal, multi-label and binary classification, regression; of texts also token classification and
/// question answering |
/// | Is normalization required? | Not for pictures, which are normalised as the weights require. Numeric inputs of a module should be
/// normalised |
/// | Is caching required? | No: rows are read once (labels of words that are no keys, twice) |
/// | Required NuGet in addition to Microsoft.ML | MlNetFineTune, and TorchSharp-cpu or a CUDA package |
/// | Exportable to ONNX | Image networks, and modules of known layers, by the package MlNetFineTune.Onnx |
/// ]]></format>
/// </remarks>
public sealed class FineTuningTrainer : IEstimator<FineTuningTransformer>
{
    private readonly IHostEnvironment _env;
    private readonly FineTuningOptions _options;
    private readonly string? _unusedWorkers;

    internal FineTuningTrainer(IHostEnvironment env, FineTuningOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        TorchRuntime.EnsureLoaded();
        options.Check();
        _env = env;
        _options = options.InForce;
        _unusedWorkers = options.UnusedWorkers;
    }

    /// <summary>Trains the network. The caller disposes the result.</summary>
    /// <param name="input">The training data; read once.</param>
    /// <exception cref="OperationCanceledException"><see cref="FineTuningOptions.CancellationToken"/> was cancelled.</exception>
    /// <exception cref="InvalidOperationException">
    /// The data are not suitable for training, for example because there is only one class, or the training diverged.
    /// </exception>
    /// <exception cref="ProcessGroupException">
    /// Another of <see cref="FineTuningOptions.Processes"/> has ended, does not answer, or trains something else.
    /// </exception>
    /// <exception cref="InvalidDataException">More rows than <see cref="FineTuningOptions.BadRows"/> allows cannot be read.</exception>
    public FineTuningTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var guard = new ProcessGuard(_options.Processes);
        try
        {
            var (data, options) = UpstreamAugmentation.Resolve(_env, input, _options);
            return (options == _options ? this : new FineTuningTrainer(_env, options)).Train(data, guard);
        }
        catch (Exception e)
        {
            guard.Fail(e); // the others would wait for this process
            throw;
        }
    }

    private FineTuningTransformer Train(IDataView input, ProcessGuard guard)
    {
        GetOutputSchema(SchemaShape.Create(input.Schema)); // validates the columns
        using var fit = new FitScope(_env, nameof(FineTuningTrainer), _options.ComponentName, _options.Seed);
        if (_unusedWorkers is not null)
            fit.Channel.Warning(_unusedWorkers);
        var task = Bind(input);
        using var folder = _options.Processes.IsFirst ? RunFolder.Open(_options, task.Metrics, fit.Channel) : null;
        using var mlflow = _options.Processes.IsFirst ? MlflowRun.Open(_options, fit.Seed, fit.Channel) : null;
        var device = Devices.Choose(fit.Host, fit.Channel);
        var modelInput = _options.CreateInput(fit.Host, input.Schema);
        RequireBatchFits(modelInput);
        using var teacher = _options.CreateTeacher(task, modelInput, device, Log);
        // Before the data are read, so that options that do not fit the network fail early.
        var network = _options.CreateNetwork(modelInput, task, fit.Seed, Log);
        try
        {
            network.MoveTo(device);
            network.UsesBFloat16 = ReducedPrecision.IsUsed(_options.Precision, device, fit.Channel);
            var plan = _options.PlanFor(network, fit.Seed, Log);
            _options.WeightAveraging.Check(plan);
            using var data = TrainingData.Read(fit.Host, fit.Channel, input, _options, modelInput, task.Labels, fit.Seed);
            ConformalFit.Check(_options, network, task, data);
            _options.FitInput(network, data.Training, fit.Channel);
            task = task.ForTraining(data.Training, fit.Channel);
            if (_options.Strategy.TrainsPairs)
                PairSampling.Check(data.Training, label => task.TextOf([label]), fit.Channel);
            _options.InitializeHead(network, task, data.Training);
            var run = new TrainingRun(
                network, modelInput, task.Training(data.Training, _options.Distillation.Loss), plan, data,
                _options with { Observer = TrainingObservers.Of(folder, mlflow, _options.Observer) }, fit.Seed, fit.Host, fit.Channel)
            {
                Teacher = teacher,
                Balance = _options.Sampling.NeedsClasses ? rows => task.Balance(data.Training, rows, _options.Sampling.Label) : null,
                Guard = guard,
                KeepsOutputs = task.FitsOnValidation || _options.RunFolder is not null,
                Sheet = folder is not null && modelInput.Pixels is { } form ? new BatchSheet(form) : null,
            };
            using var session = new TrainingSession(run);
            var report = session.Run();
            network.PrepareForScoring();
            if (task.FitsOnValidation && report.BestEpoch > 0)
                task = FitTask(task, session.Outputs.Value, data, fit.Channel); // to the same outputs in all processes
            report = report with { Calibration = task.Calibration };
            var conformal = _options.Conformal is null ? null : ConformalFit.Of(run, task);
            RunReport.Write(folder, run, task, session.Outputs, report, conformal);
            var manifest = ModelManifest.Of(run, task, report, conformal);
            network.UsesBFloat16 = network.UsesBFloat16 && ReducedPrecision.ChoiceFor(device).Use; // as for a model that is loaded here
            mlflow?.Complete(report);
            return new FineTuningTransformer(
                fit.Host, new FineTunedModel(network, modelInput, task, manifest) { Conformal = conformal }, report);
        }
        catch
        {
            network.Dispose();
            throw;
        }

        void Log(string message) => fit.Channel.Info(message);
    }

    /// <summary>The columns of the input and those that the model will add.</summary>
    /// <param name="inputSchema">The columns of the input.</param>
    /// <exception cref="Exception">A column is missing or has another type; ML.NET's own error.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var task = _options.TaskInForce;
        task.CheckLabel(_env, inputSchema, _options.Columns);
        WeightColumn.Check(_env, inputSchema, _options.ExampleWeightColumnName);
        _options.CheckInputs(inputSchema, _env);
        _options.Validation.Check(_env, inputSchema);

        var columns = inputSchema.ToDictionary(column => column.Name);
        foreach (var added in task.OutputShapes(inputSchema, _options.Columns))
            columns[added.Name] = added;
        if (_options.Conformal is { } conformal)
        {
            var label = inputSchema.Single(column => column.Name == _options.Columns.Label);
            foreach (var added in ConformalColumns.Shapes(conformal, label))
                columns[added.Name] = added;
        }
        return new SchemaShape(columns.Values);
    }

    private BoundTask Bind(IDataView data)
    {
        var task = _options.TaskInForce.Bind(data, _options.Columns);
        Metric[] known = [Metric.Loss, .. task.Metrics];
        return _options.Metric is null || known.Contains(_options.Metric)
            ? task
            : throw new InvalidOperationException(
                $"Metric is {_options.Metric}, which {_options.TaskInForce.Name} does not measure: "
                    + $"it has {string.Join<Metric>(", ", known)}.");
    }

    private void RequireBatchFits(ModelInput input)
    {
        if ((long)input.Length * _options.BatchSize > Array.MaxLength)
        {
            throw new InvalidOperationException(FormattableString.Invariant(
                $"BatchSize {_options.BatchSize} rows of {input.Length:N0} bytes do not fit into one buffer: lower BatchSize."));
        }
    }

    private static BoundTask FitTask(BoundTask task, RowOutputs outputs, TrainingData data, IChannel channel) =>
        AgreedFailure.In(() => outputs.Rows.Length > 0
            ? task.Fit(outputs, data.Validation.LabelsOf(outputs.Rows), channel)
            : throw new InvalidOperationException(
                $"None of the {data.Validation.Rows.Length} validation {data.Validation.Source.Inputs.Noun}s could be read again to fit "
                + "calibration or threshold."));
}
