namespace MlNetFineTune;

public abstract partial record PretrainedWeights
{
    /// <summary>Progress of the download of one file.</summary>
    /// <param name="File">Name of the file, such as <c>model.safetensors</c>.</param>
    /// <param name="Bytes">Bytes received so far, including those of an earlier attempt.
    /// Falls back to 0 where the server cannot resume.</param>
    /// <param name="TotalBytes">Size of the file in bytes; null where the server does not give it.</param>
    public sealed record DownloadProgress(string File, long Bytes, long? TotalBytes);
}
