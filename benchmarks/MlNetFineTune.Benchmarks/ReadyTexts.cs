using System.Globalization;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Benchmarks;

/// <summary>Sentences of SST-2 and all-MiniLM-L6-v2, encoded for both sides of a comparison.</summary>
internal sealed class ReadyTexts
{
    public const int MaximumLength = 128, Batch = 32, Classes = 2;

    /// <param name="file">Of the data set, with label and sentence in each line.</param>
    /// <param name="every">Every n-th line.</param>
    public ReadyTexts(string file, int every = 1)
    {
        string[][] rows = [.. File.ReadLines(SharedFiles.Require($"data/text/sst2/{file}"))
            .Where((_, index) => index % every == 0).Select(line => line.Split('\t', 2))];
        Labels = [.. rows.Select(row => int.Parse(row[0], CultureInfo.InvariantCulture))];
        Texts = [.. rows.Select(row => row[1])];
        var tokenizer = Backbone.Tokenizer!;
        Input = new TextInput(new TextColumns("Text", null), tokenizer, MaximumLength, TextTruncation.KeepStart, hasSegments: true);
        var encoder = new TokenRows(tokenizer, MaximumLength, TextTruncation.KeepStart, isPair: false);
        var (encoded, buffer) = (new EncodedTexts(keepsTexts: false), new byte[encoder.Length]);
        foreach (var text in Texts)
            encoded.Add(encoder.Encode(text, [], buffer, out _), TokenRows.Used(buffer), "");
        Rows = [.. encoded.Rows];
        Dataset = encoded.ToDataset(encoder.Length, row => TokenRows.CountOf(row), storage: null);
    }

    public static TextBackbone Backbone => TextBackbone.FromFolder(SharedFiles.Require("weights/all-MiniLM-L6-v2"));

    public string[] Texts { get; }

    public int[] Labels { get; }

    /// <summary>The tokens of each text, as a dataset stores them.</summary>
    public byte[][] Rows { get; }

    public TextInput Input { get; }

    public TextDataset Dataset { get; }

    /// <summary>Tokens without padding.</summary>
    public int TokensOf(IEnumerable<int> rows) => rows.Sum(row => TokenRows.CountOf(Rows[row]));

    /// <summary>Work items of PyTorch's side: a label and the tokens.</summary>
    public IEnumerable<string> Work => Rows.Zip(Labels, (row, label) =>
        $"[{label}, {string.Join(", ", TokenRows.TokensOf(row).ToArray())}]");

    public static TextNetwork Network() => TextNetwork.Create(Backbone, features => new LinearHead(features, Classes), seed: 1);
}
