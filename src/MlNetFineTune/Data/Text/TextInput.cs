using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tokenizers;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>A column of texts, or two of pairs of texts, as token ids [N, T] with mask and segments beside them.</summary>
/// <param name="columns">The columns.</param>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="maximumLength">Maximum number of tokens in a row, with special tokens.</param>
/// <param name="truncation">What remains of longer texts.</param>
/// <param name="hasSegments">Whether the network has segment embeddings.</param>
/// <param name="keepsTexts">Whether training rows keep the beginning of their text, for the report.</param>
internal sealed class TextInput(
    TextColumns columns, Tokenizer tokenizer, int maximumLength, TextTruncation truncation, bool hasSegments, bool keepsTexts = false)
    : ModelInput
{
    // Tokens of the generated probe row, which are ids between the special tokens.
    private const int ProbeTokens = 14;

    // Of the next generated row it has fewer.
    private const int ProbeStep = 3;

    // Characters of a text that is encoded at once, to limit the memory of a batch, and of a text in a message.
    private const int LargeText = 1 << 16, QuotedLength = 40;

    // A batch of scoring is computed in groups of similar length.
    private const int ScoringRows = 128, ScoringRowsOnGpu = 512;

    private readonly TokenizerManifest _tokenizer = tokenizer.Describe();
    private readonly TokenRows _rows = new(tokenizer, maximumLength, truncation, columns.Second is not null);

    public override Tokenizer Tokenizer => tokenizer;

    public TextColumns Columns => columns;

    /// <summary>Name of the column of the only or first text.</summary>
    public string Column => columns.First;

    public int MaximumLength => maximumLength;

    public TextTruncation Truncation => truncation;

    /// <summary>Encodes the rows.</summary>
    public TokenRows Rows => _rows;

    public override int Length => _rows.Length;

    public override IReadOnlyList<ModuleContext.InputShape> Shapes =>
        [new(TextInputNames.Tokens, [maximumLength], tokenizer.VocabularySize)];

    public override TokenForm Tokens => new(tokenizer.VocabularySize, maximumLength, hasSegments);

    /// <summary>Pooled features do not need the mask.</summary>
    public override bool KeepsActivations => true;

    public override string Form => FormattableString.Invariant(
        $"{(columns.Second is null ? "texts" : "pairs of texts")} of up to {maximumLength} tokens ({truncation}) by {tokenizer.Name}, ")
        + $"{_tokenizer.Hash}{(hasSegments || columns.Second is null ? "" : ", without segments")}";

    public override int ScoringBatch(bool isOnGpu) => isOnGpu ? ScoringRowsOnGpu : ScoringRows;

    public override Collator CreateCollator(Device device) =>
        new TokenCollator(_rows.Length, tokenizer.Specials.Padding, hasSegments && columns.Second is not null, device);

    /// <summary>Ids, mask, and segments if the network has them, for single texts too.</summary>
    public override IReadOnlyList<TensorColumn> ToTensors()
    {
        var texts = columns.Second is null ? "a text" : "two texts";
        List<TensorColumn> tensors =
        [
            Tensor(TextInputNames.Tokens, FormattableString.Invariant(
                $"tokens of {texts} with special tokens, padded with {tokenizer.Specials.Padding}")),
            Tensor(TextInputNames.Mask, "1 for tokens, 0 for padding"),
        ];
        if (hasSegments)
            tensors.Add(Tensor(TextInputNames.Segments, columns.Second is null ? "0" : "0 for the first text, 1 for the second"));
        return tensors;

        TokenTensor Tensor(string name, string about) => new(name, columns.First, about, maximumLength);
    }

    public override IReadOnlyDictionary<string, string> DescribeToFile() => new Dictionary<string, string>
    {
        ["tokenizer"] = JsonSerializer.Serialize(_tokenizer),
        ["maximum_length"] = maximumLength.ToString(CultureInfo.InvariantCulture),
        ["truncation"] = truncation.ToString(),
    };

    public override InputManifest Describe() => new TextInputManifest(
        columns.First, columns.Second, maximumLength, truncation, hasSegments, _tokenizer);

    public override DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix) =>
        columns.Of(schema, context, prefix);

    public override byte[] ProbeSample() => ProbeSample(0);

    /// <summary>The first has one text, also of pairs; others of pairs have two.</summary>
    public override byte[] ProbeSample(int index)
    {
        var most = Math.Min(ProbeTokens, maximumLength - 2);
        var count = Math.Max(most - index * ProbeStep, Math.Min(most, 1));
        var sample = new byte[Length];
        int[] tokens =
        [
            tokenizer.Specials.Start,
            .. Enumerable.Range(1, count).Select(i => (int)((long)i * tokenizer.VocabularySize / (count + 1))),
            tokenizer.Specials.End,
        ];
        TokenRows.Write(tokens, index == 0 || columns.Second is null ? tokens.Length : tokens.Length / 2, sample);
        return sample;
    }

    /// <summary>Number of tokens of a single text in the network: after truncation, with special tokens; 0 if it is refused.</summary>
    public int CountTokens(ReadOnlySpan<char> text)
    {
        using var row = new ScratchBuffer<byte>(Length);
        return _rows.Encode(text, [], row.Span, out _) is null ? TokenRows.CountOf(row.Span) : 0;
    }

    public override DatasetBuilder Collect(IHost host, DataViewRow row) =>
        new Collector(_rows, columns.Reader(row), maximumLength, truncation, keepsTexts);

    public override RowReader Read(IHost host, DataViewRow row, int places) => new Reader(_rows, columns.Reader(row), places);

    private sealed class Collector(
        TokenRows rows, Func<(ReadOnlyMemory<char> First, ReadOnlyMemory<char> Second)> next, int maximumLength,
        TextTruncation truncation, bool keepsTexts) : DatasetBuilder
    {
        private readonly byte[] _buffer = new byte[rows.Length];
        private readonly EncodedTexts _texts = new(keepsTexts);
        private int _cut; // rows of which a part is used

        public override void Collect()
        {
            var (first, second) = next();
            var reason = rows.Encode(first.Span, second.Span, _buffer, out var isCut);
            _texts.Add(reason, reason is null ? TokenRows.Used(_buffer) : [], _texts.KeepsTexts ? Excerpt(first.Span, second.Span) : "");
            _cut += reason is null && isCut ? 1 : 0;
        }

        public override Dataset ToRows() => _texts.ToDataset(rows.Length, row => TokenRows.CountOf(row), _cut == 0 ? null
            : FormattableString.Invariant(
                $"{_cut} of {_texts.Rows.Count} texts have more than {maximumLength} tokens; the rest is left out ({truncation})."));

        public override void Dispose()
        {
        }

        private static string Excerpt(ReadOnlySpan<char> first, ReadOnlySpan<char> second) => second.Length == 0
            ? EncodedTexts.Excerpt(first)
            : $"{EncodedTexts.Excerpt(first)} | {EncodedTexts.Excerpt(second)}";
    }

    private sealed class Reader(
        TokenRows rows, Func<(ReadOnlyMemory<char> First, ReadOnlyMemory<char> Second)> next, int places) : RowReader
    {
        private readonly (string First, string Second)[] _texts = new (string, string)[places];
        private readonly bool[] _isCut = new bool[places];

        public override int Length => rows.Length;

        public override string Noun => "text";

        public override void Take(int place)
        {
            var (first, second) = next();
            _texts[place] = (first.ToString(), second.ToString());
        }

        public override string? Encode(int place, Augmentation view, Span<byte> output) =>
            rows.Encode(_texts[place].First, _texts[place].Second, output, out _isCut[place]);

        public override bool IsCut(int place) => _isCut[place];

        // The length of the first text tells where the second begins.
        public override ContentHash? ContentOf(int place)
        {
            var (first, second) = _texts[place];
            var both = second.Length == 0 ? first : first + second;
            return ContentHash.Of(FormattableString.Invariant($"texts {first.Length}"), MemoryMarshal.AsBytes(both.AsSpan()));
        }

        public override bool IsLarge(int place) => _texts[place].First.Length + _texts[place].Second.Length >= LargeText;

        // Messages quote the beginning.
        public override void Release(int place) => _texts[place] = (Beginning(_texts[place].First), "");

        public override string Describe(int place) => $"the text {SafeText.Quoted(_texts[place].First, QuotedLength)}";

        private static string Beginning(string text) => text.Length <= QuotedLength + 1 ? text : text[..(QuotedLength + 1)];
    }
}
