using System.Collections.ObjectModel;
using System.Text.Json.Serialization;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Networks;

/// <summary>
/// The network without its numbers. Added after the first files of version 1: <c>InputChannels</c>; <c>ScriptSha256</c>, which says that
/// the network is a TorchScript program in the same zip; <c>ChangedStages</c>, those that were replaced or drawn anew;
/// <c>ChannelWidths</c>, channels that are left where some were pruned, by the name of the convolution that makes them; <c>Table</c>, the
/// layers of a table beside the picture; <c>HeadPooling</c>, where the head pools the last maps itself.
/// </summary>
internal sealed record BackboneManifest(
    string Name, string? SourceWeights, ImagePreprocessing Preprocessing, Backbone.ConvolutionPadding Padding, double BatchNormEpsilon,
    int InputChannels = 3, string? ScriptSha256 = null,
    IReadOnlyList<StageManifest>? ChangedStages = null, IReadOnlyDictionary<string, int>? ChannelWidths = null,
    [property: NotInFingerprint("the network's fingerprint has its form")] TableManifest? Table = null,
    [property: NotInFingerprint("an option; cached features say that they are maps")]
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    HeadPoolingManifest? HeadPooling = null) : NetworkManifest
{
    [JsonIgnore]
    public override bool IsOfPictures => true;

    [JsonIgnore]
    public override string? WeightsOrigin => SourceWeights;

    [JsonIgnore]
    public override TableManifest? TableLayers => Table;

    /// <summary>For messages.</summary>
    [JsonIgnore]
    public string Text => $"{Name} ({SourceWeights ?? "random weights"})" + (ChannelWidths is null ? "" : ", pruned")
        + string.Concat((ChangedStages ?? [])
            .Select(change => $", stage {change?.Stage} {(change?.Module is { } module ? $"replaced by '{module.Name}'" : "drawn anew")}"));

    public static BackboneManifest Of(Backbone backbone) => new(
        backbone.Name, backbone.Weights.Origin, backbone.Preprocessing, backbone.Padding, backbone.Recipe.Epsilon, backbone.InputChannels,
        backbone.Script?.Sha256,
        backbone.Changes.Count > 0 ? [
            .. backbone.Changes.Select(change => new StageManifest(change.Stage, change.Replacement?.Contract))] : null,
        backbone.Widths.Pruned, HeadPooling: backbone.HeadPooling.Describe());

    /// <summary>Whether a backbone has this form, whatever its weights and its input.</summary>
    public bool Fits(Backbone backbone) => backbone.Name == Name && backbone.Script?.Sha256 == ScriptSha256
        && backbone.Widths.Equals(Widths)
        && backbone.Changes.Select(change => (change.Stage, change.Replacement?.Contract.Name))
            .SequenceEqual((ChangedStages ?? []).Select(change => (change?.Stage ?? "", change?.Module?.Name)));

    public override FineTunedNetwork CreateEmpty(NetworkForm form) => ImageNetwork.CreateEmpty(
        ToBackbone(ScriptSha256 is { } expected ? form.LoadScript(expected) : null, form.Env), form.CreateHead, TableFormOf(form.Inputs));

    /// <param name="inputs">What enters the network: the picture, then the table's columns.</param>
    /// <exception cref="ArgumentException">The table's layers and its columns do not fit.</exception>
    public TableForm? TableFormOf(IReadOnlyList<ModuleContext.InputShape> inputs) => Table?.FormOf(inputs) ?? (inputs.Count == 1
        ? null
        : throw new ArgumentException($"{inputs.Count - 1} columns stand beside the picture, and the network reads none"));

    [JsonIgnore]
    private ChannelWidths Widths => new(ChannelWidths ?? ReadOnlyDictionary<string, int>.Empty);

    /// <param name="script">The program; null where the manifest names none.</param>
    /// <param name="env">Knows the factories of replaced stages.</param>
    /// <exception cref="ArgumentException">There is no such network.</exception>
    /// <exception cref="InvalidOperationException">A factory was not registered.</exception>
    public Backbone ToBackbone(byte[]? script, IHostEnvironment env)
    {
        if (!(BatchNormEpsilon > 0 && double.IsFinite(BatchNormEpsilon)))
            throw new ArgumentOutOfRangeException(nameof(BatchNormEpsilon), BatchNormEpsilon, "It must be above 0.");
        var original = script is null ? Backbone.FromName(Name).FromScratch()
            : Backbone.OfScript(new TorchScript(script, SafeText.Of(SourceWeights ?? Name), Preprocessing), SourceWeights);
        var backbone = original with
        {
            Recipe = new WeightsRecipe(Preprocessing, Padding, BatchNormEpsilon),
            InputChannels = InputChannels,
            Widths = original.Checked(Widths),
        };
        foreach (var change in ChangedStages ?? [])
            backbone = change is null ? throw new ArgumentException("It names a stage that is null.") : change.Module is { } contract
                ? backbone.ReplaceStage(change.Stage, contract.Find(env))
                : backbone.ReinitializeStage(change.Stage);
        return WithPooling(backbone);
    }

    /// <summary>A backbone with the pooling that the manifest describes.</summary>
    /// <exception cref="ArgumentException">There is no such pooling, or it does not fit the backbone.</exception>
    public Backbone WithPooling(Backbone backbone) => backbone.PooledBy(HeadPooling?.Create() ?? MlNetFineTune.HeadPooling.Native);
}

/// <summary>A stage that did not keep its weights.</summary>
/// <param name="Stage">Its name.</param>
/// <param name="Module">What took its place; null where it was drawn anew.</param>
internal sealed record StageManifest(string Stage, ModuleContract? Module);
