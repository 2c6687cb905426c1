using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Networks;
using MlNetFineTune.Tokenizers;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>A column of words, as token ids in windows and the positions of the words in them.</summary>
/// <param name="column">The column.</param>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="maximumLength">Maximum number of tokens in a window, with special tokens.</param>
/// <param name="maximumWords">Maximum number of words in a row.</param>
/// <param name="labels">Checks the labels of training rows; null in a loaded model.</param>
/// <param name="keepsTexts">Whether training rows keep the beginning of their text, for the report.</param>
internal sealed class WordInput(
    WordColumn column, Tokenizer tokenizer, int maximumLength, int maximumWords, WordLabelCheck? labels = null, bool keepsTexts = false)
    : ModelInput
{
    /// <summary>Why there is no ONNX file, for errors.</summary>
    public const string WhyNoOnnx =
        "LearningTask.TokenClassification is not exported to ONNX: words are read in overlapping windows, whose vectors are averaged, and "
        + "a file would see one window. SaveWeights writes the encoder under transformers' names, and the head as classifier.weight and "
        + "classifier.bias, for an export in Python.";

    // Tokens and words of the generated probe row: two tokens a word.
    private const int ProbeTokens = 14;

    // Of the next generated row it has fewer.
    private const int ProbeStep = 3;

    // Characters of a text in a message.
    private const int QuotedLength = 40;

    private const int ScoringRows = 128, ScoringRowsOnGpu = 512;

    private readonly TokenizerManifest _tokenizer = tokenizer.Describe();
    private readonly WordRows _rows = new(tokenizer, maximumLength, maximumWords);

    public override Tokenizer Tokenizer => tokenizer;

    public override int Length => _rows.Length;

    public override IReadOnlyList<ModuleContext.InputShape> Shapes =>
        [new(TextInputNames.Tokens, [maximumLength], tokenizer.VocabularySize)];

    public override TokenForm Tokens => new(tokenizer.VocabularySize, maximumLength, HasSegments: null);

    /// <summary>Rows have different numbers of words, and the cache has vectors of one length.</summary>
    public override bool KeepsActivations => false;

    public override string Form => FormattableString.Invariant(
        $"{JsonEncodedText.Encode(column.Name)}: up to {maximumWords} words in windows of {maximumLength} tokens ")
        + $"by {tokenizer.Name}, {_tokenizer.Hash}";

    public override int ScoringBatch(bool isOnGpu) => isOnGpu ? ScoringRowsOnGpu : ScoringRows;

    public override Collator CreateCollator(Device device) => new WordCollator(
        _rows, tokenizer.Specials.Start, tokenizer.Specials.End, tokenizer.Specials.Padding, device);

    public override IReadOnlyList<TensorColumn> ToTensors() => throw new NotSupportedException(WhyNoOnnx);

    public override InputManifest Describe() => new WordInputManifest(column.Name, maximumLength, maximumWords, _tokenizer);

    public override DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix = "") =>
        [column.Of(schema, context, prefix)];

    public override byte[] ProbeSample() => ProbeSample(0);

    public override byte[] ProbeSample(int index)
    {
        var most = Math.Min(Math.Min(ProbeTokens, _rows.Room), 2 * maximumWords);
        var count = Math.Max(most - index * ProbeStep, Math.Min(most, 1));
        int[] tokens = [.. Enumerable.Range(1, count).Select(i => (int)((long)i * tokenizer.VocabularySize / (count + 1)))];
        int[] firstTokens = [.. Enumerable.Range(0, (count + 1) / 2).Select(word => 2 * word)];
        var sample = new byte[Length];
        WordRows.Write(tokens, firstTokens, sample);
        return sample;
    }

    public override DatasetBuilder Collect(IHost host, DataViewRow row) =>
        new Collector(_rows, column.Reader(row), labels?.Reader(row), keepsTexts);

    public override RowReader Read(IHost host, DataViewRow row, int places) => new Reader(_rows, column.Reader(row), places);

    private sealed class Collector(WordRows rows, Func<string[]> next, WordLabelCheck.Next? checkLabels, bool keepsTexts) : DatasetBuilder
    {
        private readonly byte[] _buffer = new byte[rows.Length];
        private readonly EncodedTexts _texts = new(keepsTexts);

        public override void Collect()
        {
            var words = next();
            var reason = checkLabels?.Invoke(words) ?? rows.Encode(words, _buffer);
            _texts.Add(
                reason, reason is null ? WordRows.Used(_buffer) : [],
                _texts.KeepsTexts ? EncodedTexts.Excerpt(string.Join(' ', words)) : "");
        }

        public override Dataset ToRows()
        {
            var inWindows = _texts.Rows.Count(row => row.Length > 0 && WordRows.Read(row).Tokens.Length > rows.Room);
            return _texts.ToDataset(rows.Length, row => rows.StepsOf(row), inWindows == 0 ? null : FormattableString.Invariant(
                $"{inWindows} of {_texts.Rows.Count} texts have more than {rows.Room} tokens and are read in overlapping windows of that ")
                + "length.");
        }

        public override void Dispose()
        {
        }
    }

    private sealed class Reader(WordRows rows, Func<string[]> next, int places) : RowReader
    {
        private readonly string[][] _words = new string[places][];

        public override int Length => rows.Length;

        public override string Noun => "text";

        public override void Take(int place) => _words[place] = next();

        public override string? Encode(int place, Augmentation view, Span<byte> output) => rows.Encode(_words[place], output);

        public override string Describe(int place) =>
            $"the words {SafeText.Quoted(string.Join(' ', _words[place].Take(QuotedLength)), QuotedLength)}";
    }
}
