namespace MlNetFineTune.Documents;

/// <summary>Code of docs/backbones.md.</summary>
internal static class BackbonesPage
{
    public static Backbone FromPython()
    {
        var backbone = Backbone.FromTorchScript("resnet18.pt", new ImagePreprocessing { Size = 224 });
        return backbone;
    }
}
