using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tokenizers;
using MlNetFineTune.Transforms;

namespace MlNetFineTune;

/// <summary>
/// Splits texts into the tokens of a pretrained network's vocabulary: <c>ml.Transforms.TokenizeText</c>.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Input and Output Columns
/// | Column | Type |
/// | -- | -- |
/// | input, and `SecondTextColumnName` | text |
/// | output | vector of Int64 of unknown size, of known size with `PadToMaximumLength`: token ids |
/// | `MaskColumnName`, `TokenTypesColumnName` | the same |
/// | `TokensColumnName` | vector of text of the same size |
/// | `OffsetsColumnName` | vector of Int32 of twice the size |
/// | `StatusColumnName` | text |
///
/// ### Estimator Characteristics
/// | | |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Required NuGet in addition to Microsoft.ML | MlNetFineTune, without libtorch |
/// | Exportable to ONNX | No |
/// ]]></format>
/// </remarks>
public sealed class TextTokenizingEstimator : IEstimator<ITransformer>
{
    private const int UsualLength = 128;

    private readonly IHostEnvironment _env;
    private readonly TextInput _texts;
    private readonly TokenizedColumnNames _columns;

    private TextTokenizingEstimator(IHostEnvironment env, TextInput texts, string output, TextTokenizingOptions options)
    {
        if (texts.Columns.First == texts.Columns.Second)
        {
            throw new ArgumentException(
                $"The first and the second text are both in '{texts.Column}': name another column.", nameof(options));
        }
        (_env, _texts) = (env, texts);
        _columns = new TokenizedColumnNames(
            output, options.MaskColumnName, options.TokenTypesColumnName, options.TokensColumnName, options.OffsetsColumnName,
            options.StatusColumnName, options.PadToMaximumLength);
        _columns.Check();
    }

    internal static TextTokenizingEstimator Of(
        IHostEnvironment env, string output, string input, Tokenizer tokenizer, int mostOfNetwork, TextTokenizingOptions options)
    {
        var texts = new TextInput(
            new TextColumns(input, options.SecondTextColumnName), tokenizer, LengthOf(options, UsualLength, mostOfNetwork),
            options.Truncation ?? TextTruncation.KeepStart, hasSegments: true);
        return new TextTokenizingEstimator(env, texts, output, options);
    }

    internal static TextTokenizingEstimator OfModel(IHostEnvironment env, string output, ITransformer model, TextTokenizingOptions options)
    {
        TextInput[] found = [.. SourceModel.Flat(model).Select(TextsOf).OfType<TextInput>()];
        if (found is not [var trained])
        {
            throw new ArgumentException(
                "Tokens are those of one model of texts, but "
                + (found.Length == 0 ? $"{model.GetType().Name} has none." : $"the model has {found.Length}: give the one that is meant."),
                nameof(model));
        }
        var texts = new TextInput(
            trained.Columns with { Second = options.SecondTextColumnName ?? trained.Columns.Second }, trained.Tokenizer,
            LengthOf(options, trained.MaximumLength, trained.MaximumLength), options.Truncation ?? trained.Truncation, hasSegments: true);
        return new TextTokenizingEstimator(env, texts, output, options);
    }

    /// <summary>Creates the transformer. Nothing is learned from the data, and no row is read.</summary>
    /// <param name="input">The data.</param>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public ITransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _texts.Columns.Of(input.Schema, _env);
        return new TextTokenizingTransformer(_env, _texts, _columns);
    }

    /// <summary>Returns the schema of the data with the columns that the transformer adds.</summary>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _texts.Columns.Check(inputSchema, _env);
        SchemaShape.Column[] added = [.. TokenizedColumn.All(_columns, _texts).Select(column => column.Shape)];
        return new SchemaShape([.. inputSchema.Where(column => added.All(one => one.Name != column.Name)), .. added]);
    }

    private static TextInput? TextsOf(ITransformer model) => model switch
    {
        FineTuningTransformer tuned => tuned.Inputs as TextInput,
        FeaturesTransformer features => features.Input as TextInput,
        _ => null,
    };

    private static int LengthOf(TextTokenizingOptions options, int usual, int most)
    {
        if (options.MaximumLength > most)
        {
            throw new ArgumentException(
                $"MaximumLength is {options.MaximumLength}, and the network, or the training of the model, has at most {most} tokens.",
                nameof(options));
        }
        var length = options.MaximumLength ?? Math.Min(usual, most);
        return length >= TextInputManifest.Shortest ? length : throw new ArgumentException(
            $"The network has at most {most} tokens, and rows have at least {TextInputManifest.Shortest}.", nameof(options));
    }
}
