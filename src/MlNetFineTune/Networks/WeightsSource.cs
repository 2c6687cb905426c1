using MlNetFineTune.MlNet;

namespace MlNetFineTune.Networks;

/// <summary>Where a backbone's weights come from: one of these.</summary>
/// <param name="Origin">For logs and the model file; null where there is nothing to name.</param>
internal abstract record WeightsSource(string? Origin)
{
    /// <summary>The user has not said it yet.</summary>
    public sealed record Unchosen() : WeightsSource(Origin: null);

    /// <summary>Drawn at random from the training's seed.</summary>
    public sealed record Scratch() : WeightsSource(Origin: null);

    /// <summary>A file of weights.</summary>
    /// <param name="Path">The full path.</param>
    /// <param name="Origin">The file's name, or the address that it was downloaded from.</param>
    /// <param name="Note">What was found out about the weights where they come from, for the log; null where that is nothing.</param>
    public sealed record File(string Path, string Origin, string? Note = null) : WeightsSource(Origin);

    /// <summary>The TorchScript program that is the network: it has weights of its own.</summary>
    public sealed record Program(string? Origin) : WeightsSource(Origin);

    /// <summary>An earlier model, trained or loaded.</summary>
    public sealed record Earlier(SourceModel Model) : WeightsSource(Model.Origin);

    /// <summary>Gives the head of a new network the parameters of the classes that an earlier model has too.</summary>
    /// <param name="network">The network, with the weights of this source. Disposed if this fails.</param>
    /// <param name="classes">Its classes; null if it predicts something else.</param>
    /// <param name="log">Receives which classes were taken over.</param>
    /// <returns>The network.</returns>
    public FineTunedNetwork WithHead(FineTunedNetwork network, LabelKeys? classes, Action<string> log)
    {
        try
        {
            (this as Earlier)?.Model.CopyHead(network, classes, log);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }
}
