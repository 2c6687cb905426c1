namespace MlNetFineTune.Networks;

/// <summary>A transformer that may hold a fine-tuned image network.</summary>
internal interface IImageModel
{
    /// <returns>Null where its network is not one of images.</returns>
    SourceModel? AsSource();
}
