using System.Globalization;
using MlNetFineTune.Tokenizers;
using Stock = Microsoft.ML.Tokenizers.BertTokenizer;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// One core. A round is all texts once; both sides are credited with the tokens of BERT's own rules, although the stock tokenizer drops
/// some of the text, so that the ratio is one of times.
/// </summary>
internal sealed class TokenizerSpeed : Benchmark
{
    private const string Ours = "this library, pieces with ranges";
    private const string StockIds = "Microsoft.ML.Tokenizers, EncodeToIds";
    private const string StockTokens = "Microsoft.ML.Tokenizers, EncodeToTokens";

    private static readonly string[] s_files = ["corefx-issues.tsv", "sst2/train.tsv", "sst2/test.tsv"];

    public override string Name => "tokenizer";

    public override string Question =>
        "BERT's pieces of issues and film reviews, in tokens a second on one core: this library against Microsoft.ML.Tokenizers.";

    public override double Run(bool quick)
    {
        var folder = SharedFiles.Require("weights/all-MiniLM-L6-v2");
        var texts = s_files.SelectMany(file => File.ReadLines(SharedFiles.Require($"data/text/{file}"))).ToArray();
        var tokenizer = TokenizerFiles.Open(folder);
        var stock = Stock.Create(Path.Combine(folder, "vocab.txt"));
        var pieces = new List<TextPiece>();

        int Encode(string text)
        {
            pieces.Clear();
            tokenizer.Encode(text, pieces);
            return pieces.Count;
        }

        var count = texts.Sum(Encode);
        var found = texts.Sum(text => stock.EncodeToIds(text, addSpecialTokens: false).Count);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{texts.Length} texts of {texts.Sum(text => (long)text.Length)} characters: {count} tokens, {found} of the stock tokenizer"));

        var timing = new PairedTiming()
            .Add(Ours, () => texts.Sum(Encode))
            .Add(StockIds, () =>
            {
                foreach (var text in texts)
                    stock.EncodeToIds(text, addSpecialTokens: false);
                return count;
            })
            .Add(StockTokens, () =>
            {
                foreach (var text in texts)
                    stock.EncodeToTokens(text, out _);
                return count;
            });
        timing.Run(quick ? 3 : 21, quick).Print(Ours, "tokens/s");
        return timing.Ratio(Ours, StockIds);
    }
}
