namespace MlNetFineTune.Documents;

/// <summary>Code of docs/weights.md.</summary>
internal static class WeightsPage
{
    public static Backbone[] Sources(string sha256)
    {
        var ofAFile = Backbone.ResNet18.WithWeights("resnet18.safetensors");
        var ofTheHub = Backbone.ResNet18.WithWeights(PretrainedWeights.FromHub("timm/resnet18.a1_in1k"));
        var published = Backbone.ResNet18.WithWeights(PretrainedWeights.FromTorchvision("resnet18-f37072fd.pth")); // by torchvision
        var yours = Backbone.ResNet18.WithWeights(PretrainedWeights.FromUrl("https://intra.example/net.safetensors", sha256));
        return [ofAFile, ofTheHub, published, yours];
    }

    public static async Task Download(CancellationToken cancellationToken)
    {
        var weights = PretrainedWeights.FromHub("timm/resnet18.a1_in1k", revision: "main");
        var progress = new Progress<PretrainedWeights.DownloadProgress>(
            part => Console.WriteLine($"{part.File} {part.Bytes:N0} of {part.TotalBytes:N0}"));
        await weights.DownloadAsync(progress, cancellationToken);
    }

    public static Backbone Offline()
    {
        var cache = new PretrainedWeights.Cache { Folder = "/srv/weights", IsOffline = true };
        var backbone = Backbone.ResNet18.WithWeights(PretrainedWeights.FromHub("timm/resnet18.a1_in1k", cache: cache));
        return backbone;
    }
}
