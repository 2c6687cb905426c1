namespace MlNetFineTune.Backbones;

/// <summary>Pairs of names for the same modules in two libraries; a tensor is its module's name with an ending.</summary>
internal sealed class ModuleNames
{
    private readonly Dictionary<string, string> _toOurs = new(StringComparer.Ordinal);

    /// <summary>The library's name and ours; both end where a dot follows, or are a whole tensor's name.</summary>
    public void Add(string theirs, string ours) => _toOurs.Add(theirs, ours);

    /// <summary>torchvision's <c>Conv2dNormActivation</c>: convolution and BatchNorm in a list.</summary>
    public void AddPair(string theirs, string conv, string norm)
    {
        Add($"{theirs}.0", conv);
        Add($"{theirs}.1", norm);
    }

    /// <summary>torchvision's unit of a MobileNetV3 or EfficientNet, a list of its parts, as timm's <see cref="InvertedResidual"/> or <see cref="SeparableConv"/>.</summary>
    public void AddUnit(string theirs, string ours, bool expands, bool squeezes)
    {
        var part = 0;
        if (expands)
            AddPair($"{theirs}.{part++}", $"{ours}.conv_pw", $"{ours}.bn1");
        AddPair($"{theirs}.{part++}", $"{ours}.conv_dw", expands ? $"{ours}.bn2" : $"{ours}.bn1");
        if (squeezes)
        {
            Add($"{theirs}.{part}.fc1", $"{ours}.se.conv_reduce");
            Add($"{theirs}.{part++}.fc2", $"{ours}.se.conv_expand");
        }
        AddPair($"{theirs}.{part}", expands ? $"{ours}.conv_pwl" : $"{ours}.conv_pw", expands ? $"{ours}.bn3" : $"{ours}.bn2");
    }

    /// <summary>Translates the longest beginning that it knows; leaves other names as they are.</summary>
    public string ToOurs(string name)
    {
        for (var end = name.Length; end > 0; end = name.LastIndexOf('.', end - 1))
        {
            if (_toOurs.TryGetValue(name[..end], out var ours))
                return ours + name[end..];
        }
        return name;
    }
}
