namespace MlNetFineTune.Networks;

/// <summary>How pictures enter a network, where its input is that and no more.</summary>
/// <param name="Preprocessing">Size, crop and normalisation.</param>
/// <param name="Channels">3 for colours, 1 for luminance.</param>
internal sealed record PictureForm(ImagePreprocessing Preprocessing, int Channels)
{
    /// <summary>For messages.</summary>
    public string Colors => Channels == 1 ? "luminance" : "colours";
}
