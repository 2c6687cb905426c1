using System.CommandLine;

namespace MlNetFineTune.Tool;

/// <summary>Arguments and options that several commands have.</summary>
internal static class CommonOptions
{
    public static Argument<FileInfo> Model() => new("model")
    {
        Description = "The model: a zip of finetune train, or of ml.Model.Save.",
    };

    public static Argument<string> Data(string use) => new("data")
    {
        Description = $"{use}: a folder of photos with a folder for each class; or a file whose first line names its columns (.csv, .tsv): "
            + "Label, and ImagePath or Text.",
    };

    public static Option<bool> Json(string what) => new("--json")
    {
        Description = $"Writes {what} to standard output, and text for people to standard error.",
    };

    public static Option<FileInfo?> Card() => new("--card")
    {
        Description = "File for a model card (Markdown). Default: none is written.",
        HelpName = "FILE",
    };

    public static Option<string?> BackboneName()
    {
        var option = new Option<string?>("--backbone")
        {
            Description = "The network. For photos a name such as resnet18 or efficientnet_b0 (docs/backbones.md; completion lists them). "
                + "For texts a folder with an encoder as on the hub, or its name there, such as sentence-transformers/all-MiniLM-L6-v2. "
                + $"Default for photos: {Backbone.MobileNetV2.Name}.",
            HelpName = "NAME",
        };
        option.CompletionSources.Add([.. Backbone.List().Select(network => network.Name)]);
        return option;
    }

    public static Option<string?> Weights() => new("--weights")
    {
        Description = "Pretrained weights of a network for photos: a file (.safetensors, .pth), a name on the hub, such as "
            + $"timm/resnet18.a1_in1k, or {Encoders.Random}.",
        HelpName = "WEIGHTS",
    };

    /// <summary>The network of photos that options choose.</summary>
    /// <exception cref="ArgumentException">There is no such network, or no weights were chosen.</exception>
    public static Backbone ChoosePhotos(string? name, string? weights, CancellationToken cancellation = default) => Encoders.OfPhotos(
        name ?? Backbone.MobileNetV2.Name,
        weights ?? throw new ArgumentException(
            "--weights is missing: a file with pretrained weights of the network, a name on the hub, such as timm/resnet18.a1_in1k with "
            + $"--backbone resnet18, or {Encoders.Random}."),
        cancellation);
}
