namespace MlNetFineTune.WeightSources;

/// <summary>The weights of an image network in a repository of a model hub.</summary>
internal sealed record HubWeights : PretrainedWeights
{
    private readonly HubRepository _repository;

    public HubWeights(string repository, string revision, PretrainedWeights.Cache cache) =>
        _repository = new HubRepository(repository, revision, cache);

    public string Repository => _repository.Name;

    public string Revision => _repository.Revision;

    public override string ToString() => _repository.ToString();

    internal override LocalWeights? FindLocal() => _repository.FindLocal(folder => folder.FindLocal());

    internal override Task<LocalWeights> FetchAsync(
        IProgress<PretrainedWeights.DownloadProgress>? progress, CancellationToken cancellationToken) =>
        _repository.FetchAsync(
            folder => folder.FindLocal(), OtherFiles,
            "config.json (with transformers' preprocessor_config.json, if it has one) and model.safetensors (or pytorch_model.bin)",
            progress, cancellationToken);

    // How pictures are prepared; repositories of bare networks may have none.
    private static IReadOnlyList<string> OtherFiles(byte[] config, string source) =>
        HubConfig.Parse(config, source).ModelType is null ? [] : [TransformersConfig.ProcessorFileName];
}
