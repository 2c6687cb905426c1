using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>The options of training a module of your own. Only <see cref="Factory"/> must be set.</summary>
public sealed record ModuleFineTuningOptions : FineTuningOptions
{
    /// <summary>Sets the default that differs from other networks: <see cref="Strategy"/> is <c>Strategy.Full(layerDecay: 1)</c>.</summary>
    // Most modules start from random weights, where lower layers need the same learning rate as upper ones.
    public ModuleFineTuningOptions() => Strategy = Strategy.Full(layerDecay: 1);

    /// <summary>The factory that creates the module. Required.</summary>
    public required ModuleFactory Factory
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Factory));
            field = value;
        }
    }

    /// <summary>The inputs of the module, in the order of the arguments of its <c>forward</c>. At least one.
    /// Default: the column <c>Features</c>.</summary>
    public IReadOnlyList<ModuleInput> Inputs
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Inputs));
            if (value.Count == 0 || value.Any(input => input is null))
                throw new ArgumentException("A module needs at least one input, and none may be null.", nameof(Inputs));
            if (value.GroupBy(input => input.ColumnName).FirstOrDefault(same => same.Count() > 1) is { } twice)
                throw new ArgumentException($"Column '{twice.Key}' is there twice.", nameof(Inputs));
            field = [.. value];
        }
    } = ["Features"];

    /// <summary>
    /// Path of a file with initial weights, in any format that <see cref="Backbone.WithWeights(string)"/> reads, with exactly the names of
    /// the module's parameters and buffers. Default null: the weights that the factory created.
    /// </summary>
    [NotInFingerprint("the weights themselves are hashed")]
    public string? WeightsFile { get; init; }

    internal override string ComponentName => "FineTuneModule";

    private bool ReadsPictures => Inputs.Any(input => input is ModuleInput.PictureInput);

    internal override string? UnusedWorkers => !ReadsPictures && AsksForWorkers && Workers > 1
        ? $"Workers = {Workers} is not used: no input is a picture, and rows of numbers are read by one thread, which is faster. "
            + "Leave Workers out."
        : null;

    // Copying numbers is faster than passing them between threads.
    internal override FineTuningOptions InForce => ReadsPictures ? this : this with { Workers = 1 };

    internal override void CheckInputs(SchemaShape schema, IExceptionContext context)
    {
        foreach (var input in Inputs)
            input.Check(context, schema);
    }

    internal override ModelInput CreateInput(IExceptionContext context, DataViewSchema schema) =>
        new TableInput([.. Inputs.Select(input => input.Bind(context, schema))]);

    internal override FineTunedNetwork CreateNetwork(ModelInput input, BoundTask task, long seed, Action<string> log)
    {
        var contract = ModuleContract.Of(Factory);
        var network = ModuleNetwork.Create(Factory, contract.Name, new ModuleContext(input.Shapes, task.Outputs), seed);
        try
        {
            if (ActivationCheckpointing && !network.RunsInStages)
            {
                throw new ArgumentException(
                    $"ActivationCheckpointing computes stages again one by one, and the {network.Name} runs as a whole: "
                        + "return a Sequential, "
                    + "implement IStagedModule.ComputationOf (for a module of one input), or leave it out, "
                    + "and lower BatchSize with AccumulationSteps instead.",
                    "options");
            }
            if (WeightsFile is { } path)
            {
                foreach (var note in network.LoadWeights(path))
                    log($"Weights '{Path.GetFileName(path)}': {note}");
            }
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    internal override IReadOnlyDictionary<string, string> DescribeOwn() => new Dictionary<string, string>
    {
        [nameof(Inputs)] = string.Join(", ", Inputs.Select(input => input.ColumnName)),
        [nameof(WeightsFile)] = WeightsFile is null ? "none" : Path.GetFileName(WeightsFile),
    };

    internal override FineTuningTrainer CreateTrainer(IHostEnvironment env) => new(env, this);

    internal override void Check()
    {
        base.Check();
        ModuleContract.Of(Factory);
        Distillation.Check("a module", Inputs is [ModuleInput.PictureInput { Preprocessing: var preprocessing }]
            ? new PictureForm(preprocessing, InputChannels.Colors)
            : null);
        if (Augmentation.IsNone)
            return;
        if (!ReadsPictures)
        {
            throw new ArgumentException(
                $"Augmentation ({Augmentation}) changes pictures, and Inputs has none: leave it out, or name a column with "
                + "ModuleInput.Image.", "options");
        }
        if (Augmentation.Operations.FirstOrDefault(operation => operation is IMixing or RandomErasing) is { } ofBatches)
        {
            throw new ArgumentException(
                $"{ofBatches.GetType().Name} acts on a batch of the network's pixels, which only FineTuneImages has; "
                + "a module's inputs are pictures, numbers and keys. Leave it out, or do it in the module's forward.", "options");
        }
    }
}
