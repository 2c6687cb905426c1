using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Tokenizers;
using MlNetFineTune.WeightFiles;
using TextQuickStart;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Text;

/// <summary>The tiny encoder that samples/TextQuickStart contains, and its messages.</summary>
[TestClass]
public sealed class TinyEncoderTests
{
    private static readonly string s_assets = Path.Combine(Repository.Root, "samples", "TextQuickStart", "Assets");
    private static readonly string s_folder = Path.Combine(s_assets, "tiny-bert");

    // Written for this test; no two second sentences mean the same.
    private static readonly (string First, string Second)[] s_related =
    [
        ("The doctor examined the sick child.", "a physician looks after a patient with a disease"),
        ("We bought bread and cheese.", "food that is made of flour and of milk"),
        ("The ship left the harbour.", "a boat sails out of port to the sea"),
        ("He paid the bill with his credit card.", "money that you give for what you owe"),
        ("The orchestra played a symphony.", "musicians perform music on their instruments"),
        ("Snow covered the mountain.", "cold weather and ice in winter"),
        ("The teacher explained the lesson.", "pupils learn at school"),
        ("She cannot remember her password.", "a secret word that lets a user log in"),
        ("The soldiers attacked the city.", "an army fights a battle in a war"),
        ("The judge sent the thief to prison.", "a court punishes a crime under the law"),
        ("My car needs a new engine.", "a motor vehicle with four wheels"),
        ("The painter sold his last portrait.", "a picture made by an artist"),
        ("Write the text to a file.", "save characters in a document on disk"),
        ("The farmer grows wheat.", "crops are raised on land in agriculture"),
        ("They were married in a church.", "a wedding is a religious ceremony"),
        ("The house has a red roof.", "a building in which people live"),
    ];

    [TestMethod]
    public void TheFolderIsSmallAndNamesTheOriginOfItsTexts()
    {
        var files = new DirectoryInfo(s_folder).GetFiles();
        var notice = File.ReadAllText(Path.Combine(s_folder, "NOTICE.txt"));

        Assert.IsLessThanOrEqualTo(4_000_000, files.Sum(file => file.Length));
        StringAssert.Contains(notice, "Copyright (c) .NET Foundation and Contributors");
        StringAssert.Contains(notice, "WordNet 3.0 Copyright 2006 by Princeton University");
        StringAssert.Contains(notice, "demonstration");
    }

    [TestMethod]
    public void WeightsVocabularyAndFormFit()
    {
        var backbone = TextBackbone.FromFolder(s_folder);
        using var file = WeightFile.Open(Path.Combine(s_folder, "model.safetensors"));
        using var encoder = backbone.CreateEncoder(seed: 1); // strict: a missing or left-over tensor is an error

        Assert.AreEqual(backbone.Config.Vocabulary, backbone.Tokenizer!.VocabularySize);
        Assert.AreEqual((128, 128), (backbone.Features, backbone.MaximumLength)); // the default MaximumLength fits
        Assert.IsTrue(file.Entries.All(entry => entry.Type == ScalarType.Float16));
    }

    [TestMethod]
    public void MessagesOfTheSampleAreSpelledWithOneUnknownPiece()
    {
        var tokenizer = TextBackbone.FromFolder(s_folder).Tokenizer!;
        var (train, test) = (Messages("train.tsv"), Messages("test.tsv"));
        var pieces = new List<TextPiece>();
        foreach (var message in train.Concat(test))
            tokenizer.Encode(message.Text, pieces);

        Assert.AreEqual((216, 120), (train.Count, test.Count));
        CollectionAssert.AreEquivalent(
            train.Select(message => message.Team).Distinct().ToList(), test.Select(message => message.Team).Distinct().ToList());
        Assert.IsEmpty(train.Select(message => message.Text).Intersect(test.Select(message => message.Text)));
        Assert.IsGreaterThan(5_000, pieces.Count);
        // The one "@": documentation and definitions have too few of them.
        Assert.AreEqual(1, pieces.Count(piece => piece.Id == tokenizer.Specials.Unknown));
    }

    [TestMethod]
    public void RelatedSentencesAreCloserThanOthersAndWithRandomWeightsTheyAreNot()
    {
        var (pretrained, random) = (RightPartners(TextBackbone.FromFolder(s_folder)), RightPartners(TextBackbone.FromScratch(s_folder)));

        Assert.IsGreaterThanOrEqualTo(11, pretrained, $"{pretrained} of {s_related.Length}");
        Assert.IsLessThanOrEqualTo(5, random, $"{random} of {s_related.Length}");
    }

    // How many second sentences are the nearest of all to their first one, by the cosine.
    private static int RightPartners(TextBackbone backbone)
    {
        var firsts = Vectors(backbone, s_related.Select(pair => pair.First));
        var seconds = Vectors(backbone, s_related.Select(pair => pair.Second));
        return firsts.Index().Count(first =>
            seconds.Index().MaxBy(second => first.Item.Zip(second.Item, (x, y) => x * y).Sum()).Index == first.Index);
    }

    private static float[][] Vectors(TextBackbone backbone, IEnumerable<string> texts)
    {
        var ml = new MLContext(seed: 1);
        var data = ml.Data.LoadFromEnumerable(texts.Select(text => new Ticket { Text = text }));
        using var extractor = ml.Transforms.ExtractTextFeatures("Features", "Text", backbone).Fit(data);
        return [.. extractor.Transform(data).GetColumn<float[]>("Features")];
    }

    private static IReadOnlyList<Ticket> Messages(string name) => Tickets.Read(Path.Combine(s_assets, "tickets", name));
}
