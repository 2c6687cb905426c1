using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>The options of fine-tuning on texts. Only <see cref="Backbone"/> must be set.</summary>
public sealed record TextFineTuningOptions : FineTuningOptions
{
    /// <summary>
    /// Sets the defaults that differ from other networks: 6 epochs of batches of 32 rows;
    /// <c>Strategy.ProbeThenFull(fullRate: 0.1f, layerDecay: 0.8f)</c>, which trains the head alone on cached features in the first half,
    /// and everything in the second, the uppermost layer at 8e-5; and <c>GradientClipping.Norm(1)</c>.
    /// </summary>
    public TextFineTuningOptions()
    {
        (Epochs, BatchSize) = (6, 32);
        Strategy = Strategy.ProbeThenFull(fullRate: 0.1f, layerDecay: 0.8f);
        GradientClipping = GradientClipping.Norm(1);
    }

    /// <summary>The text encoder with its weights and its tokenizer. Required.</summary>
    [NotInFingerprint("its form, tokenizer and weights are hashed")]
    public required TextBackbone Backbone
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Backbone));
            field = value;
        }
    }

    /// <summary>
    /// Name of the column of texts; for <see cref="LearningTask.TokenClassification"/> of words, a vector of text of any size; for
    /// <see cref="LearningTask.QuestionAnswering"/> of questions. Default "Text".
    /// </summary>
    [NotInFingerprint("the tokens themselves are hashed")]
    public string TextColumnName
    {
        get;
        init
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(value, nameof(TextColumnName));
            field = value;
        }
    } = "Text";

    /// <summary>
    /// Name of a second column of texts, for pairs such as question and answer, or two sentences to compare; both enter the network as one
    /// sequence with a separator. For <see cref="LearningTask.QuestionAnswering"/> the column of contexts, which is required. Default null:
    /// single texts.
    /// </summary>
    [NotInFingerprint("the tokens themselves are hashed")]
    public string? SecondTextColumnName
    {
        get;
        init
        {
            if (value is not null)
                ArgumentException.ThrowIfNullOrWhiteSpace(value, nameof(SecondTextColumnName));
            field = value;
        }
    }

    /// <summary>
    /// Maximum number of tokens in a row, special tokens included; an English word has 1.3 tokens on average. Longer texts are truncated,
    /// and the log says how many. 6 to <see cref="TextBackbone.MaximumLength"/>. Default 128. Time and memory grow with the length of the
    /// actual texts only. For <see cref="LearningTask.TokenClassification"/> and <see cref="LearningTask.QuestionAnswering"/> nothing is
    /// truncated: longer rows are read in overlapping windows of this length.
    /// </summary>
    public int MaximumLength
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TextInputManifest.Shortest, nameof(MaximumLength));
            field = value;
        }
    } = 128;

    /// <summary>What remains of longer texts. Default <see cref="TextTruncation.KeepStart"/>.</summary>
    public TextTruncation Truncation
    {
        get;
        init => field = Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Truncation), value, "There is no such truncation.");
    }

    /// <summary>
    /// Maximum number of tokens, padding included, in a forward pass of the training: limits memory. A batch with more is split, and its
    /// gradients are accumulated for one step of the optimizer, with the result of the whole batch. At least 1. Default null: no limit.
    /// </summary>
    public int? MaxTokens
    {
        get;
        init
        {
            if (value is { } tokens)
                ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tokens, nameof(MaxTokens));
            field = value;
        }
    }

    /// <summary>
    /// Describes the planned training as text: the epochs of each phase, and for each stage the trained parameters, their number and their
    /// learning rate before the schedule. Reads no data.
    /// </summary>
    /// <param name="outputs">Number of outputs of the head, for example the number of classes. At least 1. Default 2.</param>
    /// <exception cref="ArgumentException">The strategy or the adapter does not fit the network.</exception>
    public string Describe(int outputs = 2)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        using var network = TextNetwork.CreateEmpty(Backbone, features => new LinearHead(features, outputs));
        return PlanDescription.Of(PlanFor(network, seed: 0, log: _ => { }), network, LearningRate);
    }

    internal override string ComponentName => "FineTuneText";

    internal override int? TokensOfBatch => MaxTokens;

    internal override bool HasTokens => true;

    internal override string? ContextColumn => TaskInForce is QuestionAnsweringTask ? SecondTextColumnName : null;

    internal override string? UnusedWorkers => AsksForWorkers && Workers > 1
        ? $"Workers = {Workers} is not used: texts are tokenized once, when they are read. Leave Workers out."
        : null;

    // Copying tokens is faster than passing them between threads.
    internal override FineTuningOptions InForce => this with { Workers = 1 };

    internal override void CheckInputs(SchemaShape schema, IExceptionContext context)
    {
        if (TaskInForce is TokenClassificationTask)
            new WordColumn(TextColumnName).Check(schema, context);
        else
            TextColumns.Check(schema, context);
    }

    internal override ModelInput CreateInput(IExceptionContext context, DataViewSchema schema) =>
        TaskInForce switch
        {
            TokenClassificationTask words => new WordInput(
                new WordColumn(TextColumnName), Backbone.Tokenizer!, MaximumLength, words.MaximumWords,
                new WordLabelCheck(LabelColumnName, words.Scheme), keepsTexts: RunFolder is not null),
            QuestionAnsweringTask answers => new AnswerInput(
                TextColumns, Backbone.Tokenizer!,
                new AnswerInput.Limits(MaximumLength, answers.MaximumContextTokens, answers.MaximumAnswerTokens),
                Backbone.Config.Segments > 1, LabelColumnName, keepsTexts: RunFolder is not null),
            _ => new TextInput(
                TextColumns, Backbone.Tokenizer!, MaximumLength, Truncation, Backbone.Config.Segments > 1,
                keepsTexts: RunFolder is not null),
        };

    internal override FineTunedNetwork CreateNetwork(ModelInput input, BoundTask task, long seed, Action<string> log)
    {
        // Tokens are not pooled: a pretrained pooler would have no gradient.
        var backbone = TaskInForce.HasTokenOutputs ? Backbone with { Pooling = TextBackbone.TokenPooling.Mean } : Backbone;
        return Backbone.Weights.WithHead(TextNetwork.Create(backbone, task.CreateHead, seed, log), task.ExclusiveClasses, log);
    }

    internal override void InitializeHead(FineTunedNetwork network, BoundTask task, RowSubset training) =>
        task.InitializeHead(((TextNetwork)network).Head, training, Sampling.NeedsClasses, Sampling.Label);

    internal override IReadOnlyDictionary<string, string> DescribeOwn() => new Dictionary<string, string>
    {
        [nameof(MaximumLength)] = MaximumLength.ToString(CultureInfo.InvariantCulture),
        [nameof(Truncation)] = Truncation.ToString(),
        [nameof(MaxTokens)] = MaxTokens?.ToString(CultureInfo.InvariantCulture) ?? "none",
        [nameof(TextBackbone.Pooling)] = Backbone.Pooling.ToString(),
    };

    internal override FineTuningTrainer CreateTrainer(IHostEnvironment env) => new(env, this);

    internal override void Check()
    {
        base.Check();
        Strategy.Resolve(Backbone.Name, Backbone.Stages, Epochs); // fails here instead of after the data are read
        if (BatchNorm == BatchNormMode.Frozen)
            throw new ArgumentException("BatchNormMode.Frozen keeps statistics of BatchNorm, and text networks have none.", "options");
        if (MaximumLength > Backbone.MaximumLength)
        {
            throw new ArgumentException(
                $"MaximumLength is {MaximumLength}, and {Backbone.Name} has positions for {Backbone.MaximumLength} tokens.", "options");
        }
        if (TextColumnName == SecondTextColumnName)
            throw new ArgumentException($"TextColumnName and SecondTextColumnName are both '{TextColumnName}'.", "options");
        if (!Augmentation.IsNone)
        {
            throw new ArgumentException(
                $"Augmentation ({Augmentation}) changes pictures, and rows here are texts: leave it out.", "options");
        }
        Distillation.Check(Backbone.Name, pixels: null);
        if (TaskInForce.HasTokenOutputs)
            CheckTokenOutputs();
    }

    private void CheckTokenOutputs()
    {
        if (TaskInForce is TokenClassificationTask && SecondTextColumnName is not null)
            throw Refused($"SecondTextColumnName is '{SecondTextColumnName}', and words are those of one column");
        if (TaskInForce is QuestionAnsweringTask && SecondTextColumnName is null)
        {
            throw new ArgumentException(
                $"LearningTask.{TaskInForce.Name} finds the answers to the questions of TextColumnName in another column: name it in "
                + "SecondTextColumnName.", "options");
        }
        if (Truncation != TextTruncation.KeepStart)
            throw Refused($"Truncation is {Truncation}, and nothing is left out: longer rows are read in overlapping windows");
        if (Distillation != Distillation.None)
            throw Refused("Distillation teaches classes of rows, and the outputs here are those of tokens");
        if (FeatureCache.IsInFolder)
            throw Refused($"FeatureCache is {FeatureCache}, and vectors of tokens, which rows have different numbers of, are not cached");

        ArgumentException Refused(string reason) => new($"LearningTask.{TaskInForce.Name}: {reason}. Leave it out.", "options");
    }

    private TextColumns TextColumns => new(TextColumnName, SecondTextColumnName);
}
