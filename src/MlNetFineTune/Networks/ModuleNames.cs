using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Networks;

/// <summary>Pairs of names for the same modules in two libraries; a tensor is its module's name with an ending.</summary>
internal sealed class ModuleNames
{
    private readonly Dictionary<string, (string Ours, TensorPart Part)> _toOurs = new(StringComparer.Ordinal);

    /// <summary>Adds the other library's name of a module or tensor, and this library's.</summary>
    public void Add(string theirs, string ours) => _toOurs.Add(theirs, (ours, TensorPart.Whole));

    /// <summary>Adds several modules of the other library whose tensors, concatenated along the first dimension,
    /// are those of one module here.</summary>
    public void AddParts(string ours, params ReadOnlySpan<string> theirs)
    {
        for (var i = 0; i < theirs.Length; i++)
            _toOurs.Add(theirs[i], (ours, new TensorPart(i, theirs.Length)));
    }

    /// <summary>torchvision's <c>Conv2dNormActivation</c>: convolution and BatchNorm in a list.</summary>
    public void AddPair(string theirs, string conv, string norm)
    {
        Add($"{theirs}.0", conv);
        Add($"{theirs}.1", norm);
    }

    /// <summary>transformers' layers of a convolution and its BatchNorm.</summary>
    public void AddConvolution(string theirs, string conv, string norm)
    {
        Add($"{theirs}.convolution", conv);
        Add($"{theirs}.normalization", norm);
    }

    /// <summary>torchvision's unit of a MobileNetV3 or EfficientNet, a list of its parts,
    /// as timm's <see cref="InvertedResidual"/> or <see cref="SeparableConv"/>.</summary>
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

    /// <summary>Translates the longest known prefix; other names stay as they are.</summary>
    public string ToOurs(string name) => Find(name) is { } found ? found.Ours + name[found.Length..] : name;

    /// <summary>Which part of this library's tensor the other library's tensor is.</summary>
    public TensorPart PartOf(string name) => Find(name)?.Part ?? TensorPart.Whole;

    private (string Ours, TensorPart Part, int Length)? Find(string name)
    {
        var known = new SpanLookup<(string Ours, TensorPart Part)>(_toOurs);
        for (var end = name.Length; end > 0; end = name.LastIndexOf('.', end - 1))
        {
            if (known.TryGetValue(name.AsSpan(0, end), out var found))
                return (found.Ours, found.Part, end);
        }
        return null;
    }
}
