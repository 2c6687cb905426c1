namespace MlNetFineTune;

public abstract partial record PretrainedWeights
{
    /// <summary>How far the download of one file is.</summary>
    /// <param name="File">Its name, such as <c>model.safetensors</c>.</param>
    /// <param name="Bytes">
    /// How many are here, those of an earlier attempt included. Falls back to 0 where a server makes us begin again.
    /// </param>
    /// <param name="TotalBytes">How many there are; null where the server does not say.</param>
    public sealed record DownloadProgress(string File, long Bytes, long? TotalBytes);
}
