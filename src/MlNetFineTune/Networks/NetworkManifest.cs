using System.Text.Json.Serialization;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Networks;

/// <summary>A network without its numbers, as a model file describes it.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "Kind")]
[JsonDerivedType(typeof(BackboneManifest), "Backbone")]
[JsonDerivedType(typeof(ModuleManifest), "Module")]
[JsonDerivedType(typeof(TextNetworkManifest), "Text")]
internal abstract record NetworkManifest
{
    /// <summary>Whether pictures flow through it.</summary>
    [JsonIgnore]
    public virtual bool IsOfPictures => false;

    /// <summary>Where its training took the weights from, for messages; null where nothing says it.</summary>
    [JsonIgnore]
    public virtual string? WeightsOrigin => null;

    /// <summary>The layers of a table beside its pictures; null where there is none.</summary>
    [JsonIgnore]
    public virtual TableManifest? TableLayers => null;

    /// <summary>Makes the network, uninitialised: to be filled by the file's weights.</summary>
    /// <param name="form">What the model file says beside it.</param>
    /// <exception cref="ArgumentException">There is no such network.</exception>
    /// <exception cref="InvalidOperationException">A factory was not found.</exception>
    public abstract FineTunedNetwork CreateEmpty(NetworkForm form);
}

/// <summary>What a network must fit: its task above, its input below, and where its parts are found.</summary>
/// <param name="Env">Knows the factories of modules.</param>
/// <param name="Outputs">Numbers a row.</param>
/// <param name="CreateHead">From the number of features.</param>
/// <param name="Inputs">The tensors that enter, in order.</param>
/// <param name="Seed">The training's.</param>
/// <param name="LoadScript">Reads the TorchScript program of this SHA-256 from the model file.</param>
internal sealed record NetworkForm(
    IHostEnvironment Env, int Outputs, Func<int, NetworkHead> CreateHead, IReadOnlyList<ModuleContext.InputShape> Inputs, long Seed,
    Func<string, byte[]> LoadScript);
