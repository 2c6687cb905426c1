namespace MlNetFineTune.Tests.Support;

/// <summary>The networks of network-*.json: of each family the smallest member that runs all of its code.</summary>
internal static class FixtureNetworks
{
    private static readonly Dictionary<string, Func<float, Backbone>> s_byName = new(StringComparer.Ordinal)
    {
        ["mobilenetv1"] = Backbone.MobileNetV1,
        ["mobilenetv2"] = _ => Backbone.MobileNetV2,
        ["resnet18"] = _ => Backbone.ResNet18,
        ["micro"] = _ => Backbone.Micro,
        ["resnet20"] = _ => Backbone.CifarResNet(20),
        ["squeezenet"] = _ => Backbone.SqueezeNet,
    };

    public static IReadOnlyCollection<string> Names => s_byName.Keys;

    public static Backbone Find(string name, float width) => s_byName[name](width);
}
