using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tokenizers;
using MlNetFineTune.WeightFiles;
using MlNetFineTune.WeightSources;

namespace MlNetFineTune;

/// <summary>
/// A pretrained text encoder to fine-tune, with its weights and its tokenizer: BERT and models of its form (MiniLM, most sentence
/// encoders), RoBERTa, DistilBERT, MPNet or ModernBERT, in the layout of Hugging Face transformers.
/// </summary>
public sealed partial record TextBackbone
{
    private readonly IReadOnlyList<int>? _keptLayers; // indices in the weights; null for all
    private readonly TextConfig _configOfWeights;

    private TextBackbone(string name, TextConfig config, WeightsSource weights, Tokenizer? tokenizer)
    {
        (Name, Config, Weights, Tokenizer, _configOfWeights) = (name, config, weights, tokenizer, config);
        Stages = TextEncoder.StagesOf(config);
    }

    /// <summary>
    /// Opens a model as it lies on the hub: <c>config.json</c>; <c>model.safetensors</c> (or the index of several) or
    /// <c>pytorch_model.bin</c>; <c>vocab.txt</c> with <c>tokenizer_config.json</c>, or <c>tokenizer.json</c>. The pooling of a sentence
    /// encoder (<c>1_Pooling/config.json</c>) becomes <see cref="Pooling"/>. The weights are read when the training starts.
    /// </summary>
    /// <param name="folder">Path of the folder.</param>
    /// <exception cref="FileNotFoundException">A file is missing; the message names it.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the network or tokenizer is not supported.</exception>
    public static TextBackbone FromFolder(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        var full = Found(folder);
        return OfFolder(full, Path.GetFileName(full));
    }

    /// <summary>
    /// The network and the tokenizer of a folder with random weights, drawn with the training's seed. Needs far more data than pretrained
    /// weights. A file of weights is not needed.
    /// </summary>
    /// <param name="folder">Path of the folder.</param>
    /// <inheritdoc cref="FromFolder" path="/exception"/>
    public static TextBackbone FromScratch(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        var full = Found(folder);
        return Create(full, Path.GetFileName(full), new WeightsSource.Scratch());
    }

    /// <summary>
    /// Opens a model of the hub by its name, as <see cref="FromFolder"/>. Downloads it into the cache of <see cref="PretrainedWeights"/> if
    /// it is not there, which can take long and cannot be cancelled; call <see cref="DownloadAsync"/> before to avoid that.
    /// </summary>
    /// <param name="repository">Owner and name, such as <c>sentence-transformers/all-MiniLM-L6-v2</c>.</param>
    /// <param name="revision">
    /// A branch, a tag or a commit; "main" by default. The commit of a branch or tag is recorded in the cache and used until
    /// <see cref="DownloadAsync"/> asks the hub again.
    /// </param>
    /// <param name="cache">The cache to use; null for one with the default settings.</param>
    /// <exception cref="ArgumentException">The repository or the revision is malformed.</exception>
    /// <exception cref="FileNotFoundException">
    /// The model is not in the cache, and the cache is offline; the message names the files and the folder to place them in.
    /// </exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the network or tokenizer is not supported.</exception>
    /// <exception cref="HttpRequestException">The server cannot be reached or refuses the request.</exception>
    public static TextBackbone FromHub(string repository, string revision = "main", PretrainedWeights.Cache? cache = null)
    {
        var local = new HubText(new HubRepository(repository, revision, cache ?? new())).FindOrFetch();
        return OfFolder(local.Folder, repository.Split('/')[^1], local.Origin);
    }

    /// <summary>
    /// Downloads a model of the hub unless it is in the cache. A branch or tag is resolved at the hub again; files in the cache are not
    /// fetched again. An interrupted download resumes where it stopped. <see cref="FromHub"/> follows it, with the same arguments, and
    /// then finds the model in the cache.
    /// </summary>
    /// <param name="repository">Owner and name.</param>
    /// <param name="revision">A branch, a tag or a commit; "main" by default.</param>
    /// <param name="cache">The cache to use; null for one with the default settings.</param>
    /// <param name="progress">Receives the progress of the weights, at most ten times a second; null for none.</param>
    /// <param name="cancellationToken">Cancels the download; the bytes received are kept for the next attempt.</param>
    /// <returns>The folder of the model in the cache, whose name is that of the commit.</returns>
    /// <inheritdoc cref="FromHub" path="/exception"/>
    public static async Task<string> DownloadAsync(
        string repository, string revision = "main", PretrainedWeights.Cache? cache = null,
        IProgress<PretrainedWeights.DownloadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        (await new HubText(new HubRepository(repository, revision, cache ?? new())).FetchAsync(progress, cancellationToken)
            .ConfigureAwait(false)).Folder;

    /// <summary>
    /// The network of a trained or loaded text model, with its weights, its tokenizer and its pooling. The head starts with that model's
    /// parameters for the classes that both have. Adapters of the earlier model are merged into the weights.
    /// </summary>
    /// <param name="model">
    /// A <see cref="FineTuningTransformer"/>, or a chain with one. It must not be disposed before the training has begun.
    /// </param>
    /// <exception cref="ArgumentException">The model contains no fine-tuned text network or more than one.</exception>
    public static TextBackbone FromModel(ITransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var source = SourceModel.FindText(model, "A training continues from");
        var text = source.Text!;
        return new TextBackbone(text.Name, text.Config, new WeightsSource.Earlier(source), text.Tokenizer) { Pooling = text.Pooling };
    }

    /// <summary>
    /// The same network with some of its layers, for example a student for <see cref="Distillation"/>. The kept layers have their weights.
    /// </summary>
    /// <param name="layers">
    /// Indices of the layers to keep, from 0, ascending: <c>KeepLayers(0, 3)</c> is a network of two layers. At least one.
    /// </param>
    /// <exception cref="ArgumentException">There is no such layer, or the order is not ascending.</exception>
    public TextBackbone KeepLayers(params int[] layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        if (layers.Length == 0 || layers[0] < 0 || layers[^1] >= Config.Layers
            || layers.Zip(layers.Skip(1)).Any(two => two.First >= two.Second))
        {
            throw new ArgumentException(
                $"Layers to keep are different numbers from 0 to {Config.Layers - 1}, ascending, and these are "
                + $"[{string.Join(", ", layers)}].", nameof(layers));
        }
        var before = _keptLayers ?? [.. Enumerable.Range(0, _configOfWeights.Layers)];
        return new TextBackbone(Name, Config.Keep(layers), Weights, Tokenizer)
        {
            Pooling = Pooling,
            KeptLayers = [.. layers.Select(layer => before[layer])],
            ConfigOfWeights = _configOfWeights,
        };
    }

    /// <summary>The name of the model: of its folder or repository.</summary>
    public string Name { get; }

    /// <summary>
    /// Names of the network's stages from input to output: <c>embeddings</c>, <c>layer0</c> and so on. Strategies freeze and train whole
    /// stages.
    /// </summary>
    public IReadOnlyList<string> Stages { get; }

    /// <summary>
    /// How the vectors of a text's tokens become the features of the head. Default: as in the model's <c>1_Pooling/config.json</c>, else
    /// <see cref="TokenPooling.Mean"/>.
    /// </summary>
    public TokenPooling Pooling
    {
        get;
        init
        {
            if (!Enum.IsDefined(value))
                throw new ArgumentOutOfRangeException(nameof(Pooling), value, "There is no such pooling.");
            if (value == TokenPooling.Pooler && Config.Kind is TextKind.DistilBert or TextKind.ModernBert)
            {
                var name = Config.Kind == TextKind.DistilBert ? "DistilBERT" : "ModernBERT";
                throw new ArgumentException($"{name} has no pooler layer: take Mean or ClassToken.", nameof(Pooling));
            }
            field = value;
        }
    }

    /// <summary>
    /// Maximum number of tokens in a row that the network supports, with special tokens: 512 for most, 8,192 for ModernBERT.
    /// </summary>
    public int MaximumLength => Config.MaximumLength;

    /// <summary>Number of features of a text.</summary>
    public int Features => Config.Width;

    /// <summary>Whether the weights are initialized at random.</summary>
    public bool IsFromScratch => Weights is WeightsSource.Scratch;

    /// <summary>Text for logs: the name and the source of the weights.</summary>
    public override string ToString() =>
        $"{Name} ({(IsFromScratch ? "random weights" : SafeText.Of(Weights.Origin ?? "no weights chosen", SafeText.SentenceLength))})"
        + (_keptLayers is null ? "" : $", layers [{string.Join(", ", _keptLayers)}]");

    internal TextConfig Config { get; }

    internal WeightsSource Weights { get; }

    /// <summary>The tokenizer; null in a model file's description of the network.</summary>
    internal Tokenizer? Tokenizer { get; init; }

    private IReadOnlyList<int> KeptLayers
    {
        init => _keptLayers = value;
    }

    private TextConfig ConfigOfWeights
    {
        init => _configOfWeights = value;
    }

    /// <summary>The network of a model file, whose weights are loaded by name.</summary>
    internal static TextBackbone Of(string name, TextConfig config, TokenPooling pooling) =>
        new(name, config, new WeightsSource.Unchosen(), tokenizer: null) { Pooling = pooling };

    private static string Found(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Directory.Exists(full) ? full : throw new FileNotFoundException($"There is no folder '{full}'.", full);
    }

    /// <summary>The encoder without values. The caller disposes it.</summary>
    internal TextEncoder CreateEmptyEncoder()
    {
        TorchRuntime.EnsureLoaded();
        return new TextEncoder(Config, Pooling);
    }

    /// <summary>The encoder with its initial weights, on the CPU. The caller disposes it.</summary>
    /// <param name="seed">Seed of random weights.</param>
    /// <param name="log">Receives how the weights were found in their file.</param>
    internal TextEncoder CreateEncoder(long seed, Action<string>? log = null)
    {
        var encoder = CreateEmptyEncoder();
        try
        {
            TextWeights.Fill(this, encoder, _keptLayers, _configOfWeights, seed, log);
            return encoder;
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }

    private static TextBackbone OfFolder(string folder, string name, string? origin = null)
    {
        string[] names = [HubFolder.SafeTensors, HubFolder.Index, HubFolder.PyTorch];
        var weights = names.Select(file => Path.Combine(folder, file)).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException(
                $"'{folder}' has none of {string.Join(", ", names)}: TextBackbone.FromScratch takes a folder without weights.",
                Path.Combine(folder, names[0]));
        return Create(folder, name, new WeightsSource.File(weights, origin ?? $"{name}/{Path.GetFileName(weights)}"));
    }

    private static TextBackbone Create(string folder, string name, WeightsSource weights)
    {
        var config = TextConfig.Read(Path.Combine(folder, HubConfig.FileName));
        var tokenizer = TokenizerFiles.Open(folder);
        if (tokenizer.VocabularySize > config.Vocabulary)
        {
            throw new InvalidDataException(
                $"The tokenizer in '{folder}' knows {tokenizer.VocabularySize} tokens and the network has vectors for {config.Vocabulary}: "
                + "the two belong to different models.");
        }
        return new TextBackbone(name, config, weights, tokenizer)
        {
            Pooling = PoolingOf(Path.Combine(folder, HubText.PoolingFile)),
        };
    }

    // The pooling of sentence-transformers.
    private static TokenPooling PoolingOf(string path)
    {
        if (!Path.Exists(path))
            return TokenPooling.Mean;
        if (OrdinaryFile.Refuse(path) is { } reason)
        {
            throw new InvalidDataException(
                $"'{path}' cannot be read: {reason}. Take it from the checkpoint again, or delete it and set Pooling.");
        }
        if (new FileInfo(path).Length > HubConfig.MaximumBytes)
            throw new InvalidDataException($"'{path}' is larger than {HubConfig.MaximumBytes} bytes.");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path),
                new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
            var root = document.RootElement;
            var asked = root.EnumerateObject().Where(property =>
                property.Name.StartsWith("pooling_mode_", StringComparison.Ordinal) && property.Value.ValueKind == JsonValueKind.True)
                .Select(property => property.Name).ToList();
            return asked switch
            {
                ["pooling_mode_mean_tokens"] or [] => TokenPooling.Mean,
                ["pooling_mode_cls_token"] => TokenPooling.ClassToken,
                _ => throw new InvalidDataException(
                    $"'{path}' asks for {SafeText.Several(asked)}, and mean and class token are supported: delete the file and set "
                    + "Pooling."),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}' is not proper JSON: {SafeText.Message(e)}", e);
        }
    }
}
