namespace MlNetFineTune.Tool;

/// <summary>Pretrained networks by the names of a command line.</summary>
internal static class Encoders
{
    /// <summary>What <c>--weights</c> says for random weights.</summary>
    public const string Random = "random";

    private static readonly string[] s_weightFiles = [".safetensors", ".pth", ".pt", ".bin", ".json", ".dat"];

    /// <param name="name">A name of <see cref="Backbone.List"/>.</param>
    /// <param name="weights">A file, a repository of the hub, or <see cref="Random"/>.</param>
    /// <param name="cancellation">Cancels a download.</param>
    /// <exception cref="ArgumentException">There is no such network.</exception>
    /// <exception cref="FileNotFoundException">There are no such weights.</exception>
    public static Backbone OfPhotos(string name, string weights, CancellationToken cancellation = default)
    {
        Backbone backbone = Backbone.FromName(name);
        if (weights == Random)
            return backbone.FromScratch();
        if (File.Exists(weights) || !IsRepository(weights))
            return backbone.WithWeights(weights);
        PretrainedWeights published = PretrainedWeights.FromHub(weights);
        Download(progress => published.DownloadAsync(progress, cancellation));
        return backbone.WithWeights(published);
    }

    /// <param name="name">A folder as it lies on the hub, or a repository of the hub.</param>
    /// <param name="cancellation">Cancels a download.</param>
    /// <exception cref="FileNotFoundException">There is no such folder.</exception>
    public static TextBackbone OfTexts(string name, CancellationToken cancellation = default)
    {
        if (Directory.Exists(name))
            return TextBackbone.FromFolder(name);
        if (!IsRepository(name))
        {
            throw new FileNotFoundException(
                $"There is no folder '{name}' with a text encoder. A name of the hub is owner/name, such as "
                + "sentence-transformers/all-MiniLM-L6-v2.");
        }
        Download(progress => TextBackbone.DownloadAsync(name, progress: progress, cancellationToken: cancellation));
        return TextBackbone.FromHub(name);
    }

    // A relative path with one separator looks the same, but for its ending.
    private static bool IsRepository(string text) =>
        text.Split('/') is [not ("" or "." or ".." or "~"), { Length: > 0 } name] && !s_weightFiles.Contains(Path.GetExtension(name));

    private static void Download(Func<IProgress<PretrainedWeights.DownloadProgress>, Task> download) =>
        ProgressDisplay.While("weights", display =>
        {
            download(new Shown(display)).GetAwaiter().GetResult();
            return true;
        });

    private sealed class Shown(ProgressDisplay display) : IProgress<PretrainedWeights.DownloadProgress>
    {
        public void Report(PretrainedWeights.DownloadProgress now) => display.Show(
            now.TotalBytes is > 0 and var total ? now.Bytes / (double)total : 0, $"downloading {now.File}: {now.Bytes >> 20} MiB");
    }
}
