using Microsoft.ML;

namespace PhotoDesk;

/// <summary>A model in memory that does not serve: a training continues from it, or held-out photos are scored.</summary>
internal sealed class LoadedModel : IDisposable
{
    /// <exception cref="InvalidDataException">It could not serve.</exception>
    public LoadedModel(MLContext ml, string path)
    {
        File = ml.Model.Load(path, out _);
        try
        {
            var network = ServedChain.NetworkIn(File);
            ServedChain.ThresholdsOf(network);
            Classes = network.Classes;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Names of the classes, in the order of the scores.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>The chain of the file, for <c>Backbone.FromModel</c> and <c>Transform</c>.</summary>
    public ITransformer File { get; }

    public void Dispose() => (File as IDisposable)?.Dispose();
}
