using System.Net;
using System.Text;
using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.WeightSources;

namespace MlNetFineTune.Fuzz.Targets;

/// <summary>What comes from a model hub or a server beside weights.</summary>
internal static class Hub
{
    private const string Source = "input";

    private static readonly WeightsRecipe s_recipe = new(new ImagePreprocessing(), Backbone.ConvolutionPadding.Symmetric, 1e-5);
    private static readonly Lazy<Scratch> s_folder = new(Scratch.New);
    private static readonly Lazy<Scratch> s_textFolder = new(NewTextFolder);

    /// <param name="input"><c>config.json</c> and <c>preprocessor_config.json</c>.</param>
    public static void Config(byte[] input)
    {
        var parts = Bytes.Parts(input, 2);
        var config = HubConfig.Parse(parts[0], Source, parts[1].Length > 0 ? (ReadOnlyMemory<byte>?)parts[1] : null);
        s_recipe.With(config.Metadata, Source);
    }

    public static void TextConfig(byte[] input) => Networks.TextConfig.Parse(input, Source);

    /// <param name="input"><c>1_Pooling/config.json</c>.</param>
    public static void Pooling(byte[] input)
    {
        s_textFolder.Value.Put(HubText.PoolingFile, input);
        TextBackbone.FromScratch(s_textFolder.Value.Path);
    }

    // Where it cannot be read, the file is hashed again: nothing is refused.
    public static void Receipt(byte[] input)
    {
        s_folder.Value.Put(WeightSources.Receipt.PathOf("weights"), input);
        var file = Path.Combine(s_folder.Value.Path, "weights");
        if (WeightSources.Receipt.TryRead(file) is { } receipt)
            _ = receipt.Describes(new FileInfo(WeightSources.Receipt.PathOf(file))) | Sha256Digits.TryParse(receipt.Sha256) is null;
    }

    // Nothing is refused here, but what was asked for may not be there.
    public static void Answer(byte[] input)
    {
        var answer = new MlflowAnswer(HttpStatusCode.OK, input);
        foreach (var path in (string[])["experiment.experiment_id", "run.info.run_id", "run.info.artifact_uri", "message", "error_code"])
            _ = answer.Text(path);
        _ = answer.Error;
    }

    private static Scratch NewTextFolder()
    {
        var folder = Scratch.New();
        folder.Put("config.json", Encoding.UTF8.GetBytes(Seeds.TextConfig));
        folder.Put("vocab.txt", Encoding.UTF8.GetBytes(Seeds.Vocabulary));
        Directory.CreateDirectory(Path.Combine(folder.Path, "1_Pooling"));
        return folder;
    }
}
