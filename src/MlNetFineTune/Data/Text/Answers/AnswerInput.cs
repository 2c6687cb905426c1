using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Networks;
using MlNetFineTune.Tokenizers;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>A column of questions and one of contexts, as token ids in windows and the places where answers can be.</summary>
/// <param name="columns">The columns: question and context.</param>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="limits">Maximum numbers of tokens.</param>
/// <param name="hasSegments">Whether the network has segment embeddings.</param>
/// <param name="label">Name of the label column, whose answers are checked in training rows; null in a loaded model.</param>
/// <param name="keepsTexts">Whether training rows keep the beginnings of their texts, for the report.</param>
internal sealed class AnswerInput(
    TextColumns columns, Tokenizer tokenizer, AnswerInput.Limits limits, bool hasSegments, string? label = null, bool keepsTexts = false)
    : ModelInput
{
    /// <summary>Why there is no ONNX file, for errors.</summary>
    public const string WhyNoOnnx =
        "LearningTask.QuestionAnswering is not exported to ONNX: contexts are read in overlapping windows, from which the best answer is "
        + "chosen, and a file would see one window. SaveWeights writes the encoder under transformers' names, and the head as "
        + "classifier.weight and classifier.bias, for an export in Python.";

    // Tokens of the question and of the context in the generated probe row.
    private const int ProbeQuestion = 5, ProbeContext = 9;

    // Of the context of the next generated row it has fewer.
    private const int ProbeStep = 2;

    // Characters of a text in a message.
    private const int QuotedLength = 40;

    private const int ScoringRows = 128, ScoringRowsOnGpu = 512;

    private readonly TokenizerManifest _tokenizer = tokenizer.Describe();
    private readonly AnswerRows _rows = new(tokenizer, limits.Window, limits.Context, limits.Answer);

    public override Tokenizer Tokenizer => tokenizer;

    public override int Length => _rows.Length;

    public override IReadOnlyList<ModuleContext.InputShape> Shapes =>
        [new(TextInputNames.Tokens, [limits.Window], tokenizer.VocabularySize)];

    public override TokenForm Tokens => new(tokenizer.VocabularySize, limits.Window, hasSegments);

    /// <summary>Rows have different numbers of tokens, and the cache has vectors of one length.</summary>
    public override bool KeepsActivations => false;

    public override string Form => FormattableString.Invariant(
        $"{JsonEncodedText.Encode(columns.First)} about {JsonEncodedText.Encode(columns.Second!)}: answers of up to {limits.Answer} ")
        + FormattableString.Invariant($"tokens in up to {limits.Context} in windows of {limits.Window} by {tokenizer.Name}, ")
        + _tokenizer.Hash
        + (hasSegments ? "" : ", without segments");

    public override int ScoringBatch(bool isOnGpu) => isOnGpu ? ScoringRowsOnGpu : ScoringRows;

    public override Collator CreateCollator(Device device) => new AnswerCollator(
        _rows, tokenizer.Specials.Start, tokenizer.Specials.End, tokenizer.PairSeparators, tokenizer.Specials.Padding, hasSegments, device);

    public override IReadOnlyList<TensorColumn> ToTensors() => throw new NotSupportedException(WhyNoOnnx);

    public override InputManifest Describe() => new AnswerInputManifest(
        columns.First, columns.Second!, limits.Window, limits.Context, limits.Answer, hasSegments, _tokenizer);

    public override DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix = "") =>
        columns.Of(schema, context, prefix);

    /// <summary>
    /// All tokens of its context stand for the same character: the scores of the best answer hardly differ between processors, but of two
    /// answers with nearly the same score another one may be the best.
    /// </summary>
    public override byte[] ProbeSample() => ProbeSample(0);

    public override byte[] ProbeSample(int index)
    {
        var context = Math.Min(Math.Min(ProbeContext, limits.Context), limits.Window - _rows.SpecialTokens - 1);
        var question = Math.Clamp(limits.Window - _rows.SpecialTokens - context, 1, ProbeQuestion);
        var sample = new byte[Length];
        AnswerRows.Write(Ids(question), Ids(Math.Max(context - index * ProbeStep, Math.Min(context, 1))), sample);
        return sample;
    }

    public override DatasetBuilder Collect(IHost host, DataViewRow row) => new Collector(
        _rows, columns.Reader(row), label is null ? null : AnswerColumn.Reader(row, row.Schema[label]), limits, keepsTexts);

    public override RowReader Read(IHost host, DataViewRow row, int places) => new Reader(_rows, columns.Reader(row), places);

    private int[] Ids(int count) =>
        [.. Enumerable.Range(1, count).Select(i => (int)((long)i * tokenizer.VocabularySize / (count + 1)))];

    /// <summary>Maximum numbers of tokens.</summary>
    /// <param name="Window">In a window, with special tokens.</param>
    /// <param name="Context">In a context.</param>
    /// <param name="Answer">In an answer.</param>
    public sealed record Limits(int Window, int Context, int Answer);

    private sealed class Collector(
        AnswerRows rows, Func<(ReadOnlyMemory<char> First, ReadOnlyMemory<char> Second)> next, AnswerColumn.Next? nextAnswer,
        Limits limits, bool keepsTexts) : DatasetBuilder
    {
        private readonly byte[] _buffer = new byte[rows.Length];
        private readonly EncodedTexts _texts = new(keepsTexts);
        private readonly List<string> _contexts = [];
        private (int InWindows, int Repeated, int TooLong) _counts;

        public override void Collect()
        {
            var (question, context) = next();
            var answer = nextAnswer?.Invoke(context.Span) ?? Answer.None;
            var reason = answer.Fault ?? rows.Encode(question.Span, context.Span, _buffer) ?? FaultOf(answer, context.Span);
            _texts.Add(
                reason, reason is null ? AnswerRows.Used(_buffer) : [],
                _texts.KeepsTexts ? $"{EncodedTexts.Excerpt(question.Span)} | {EncodedTexts.Excerpt(context.Span)}" : "");
            _contexts.Add(context.ToString());
        }

        public override Dataset ToRows() => _texts.ToDataset(
            rows.Length, row => rows.StepsOf(row), Describe(), row => rows.WindowsOf(row).Count, [.. _contexts]);

        public override void Dispose()
        {
        }

        // Counts the row, if it can be used.
        private string? FaultOf(Answer answer, ReadOnlySpan<char> context)
        {
            var windows = rows.WindowsOf(_buffer);
            var (inWindows, tooLong) = (windows.Count > 1, false);
            if (answer.Exists)
            {
                var quoted = SafeText.Quoted(context[answer.Start..answer.End].ToString(), QuotedLength);
                if (AnswerRows.Read(_buffer).TokensOf(answer.Start, answer.End) is not var (first, last))
                    return $"the tokenizer has no token for the answer {quoted}";
                if (!windows.Any(window => window.Start <= first && last < window.End))
                {
                    return FormattableString.Invariant($"its answer {quoted} has {last - first + 1:N0} tokens, and no window has it ")
                        + "whole: raise MaximumLength, or maximumAnswerTokens of LearningTask.QuestionAnswering, by which windows overlap";
                }
                tooLong = last - first + 1 > limits.Answer;
            }
            _counts = (
                _counts.InWindows + (inWindows ? 1 : 0), _counts.Repeated + (answer.IsRepeated ? 1 : 0),
                _counts.TooLong + (tooLong ? 1 : 0));
            return null;
        }

        private string? Describe()
        {
            var all = _texts.Rows.Count;
            string[] messages =
            [
                .. _counts.InWindows == 0 ? (string[])[] : [FormattableString.Invariant(
                    $"{_counts.InWindows} of {all} contexts do not fit into {limits.Window} tokens and are read in overlapping windows.")],
                .. _counts.Repeated == 0 ? (string[])[] : [FormattableString.Invariant(
                    $"{_counts.Repeated} of {all} answers occur several times in their context: the first occurrence is taken.")],
                .. _counts.TooLong == 0 ? (string[])[] : [FormattableString.Invariant(
                    $"{_counts.TooLong} of {all} answers have more than {limits.Answer} tokens, which no predicted answer has: ")
                    + "raise maximumAnswerTokens of LearningTask.QuestionAnswering."],
            ];
            return messages.Length == 0 ? null : string.Join(' ', messages);
        }
    }

    private sealed class Reader(
        AnswerRows rows, Func<(ReadOnlyMemory<char> First, ReadOnlyMemory<char> Second)> next, int places) : RowReader
    {
        private readonly (string Question, string Context)[] _texts = new (string, string)[places];

        public override int Length => rows.Length;

        public override string Noun => "text";

        public override void Take(int place)
        {
            var (question, context) = next();
            _texts[place] = (question.ToString(), context.ToString());
        }

        public override string? Encode(int place, Augmentation view, Span<byte> output) =>
            rows.Encode(_texts[place].Question, _texts[place].Context, output);

        public override ReadOnlyMemory<char> ContextOf(int place) => _texts[place].Context.AsMemory();

        public override string Describe(int place) => $"the question {SafeText.Quoted(_texts[place].Question, QuotedLength)}";
    }
}
