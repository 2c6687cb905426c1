using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>A module's stages by the beginnings of its tensors' names; the head is the last.</summary>
internal sealed class ModuleStages
{
    private readonly IReadOnlyList<string> _parts;
    private readonly IReadOnlyList<string> _tensors;

    private ModuleStages(IReadOnlyList<string> parts, IReadOnlyList<string> tensors) => (_parts, _tensors) = (parts, tensors);

    /// <summary>The beginnings of the names, the head's as well.</summary>
    public IReadOnlyList<string> Parts => _parts;

    /// <summary>Without the head.</summary>
    public IReadOnlyList<string> Names => [.. _parts.SkipLast(1)];

    /// <exception cref="ArgumentException">The stages that the module names do not cover its tensors.</exception>
    public static ModuleStages Of(nn.Module module, IReadOnlyList<string> tensors)
    {
        if (module is IStagedModule { Stages: var stated })
        {
            var stages = new ModuleStages([.. stated], tensors);
            var lost = tensors.Where(tensor => stages.Find(tensor) < 0 && tensor.Contains('.')).ToList();
            var empty = stated.Where(part => !tensors.Any(tensor => Owns(part, tensor))).ToList();
            if (stated.Count == 0 || stated.Distinct().Count() != stated.Count || lost.Count + empty.Count > 0)
            {
                throw new ArgumentException(
                    $"{module.GetType().Name}.Stages ({string.Join(", ", stated)}) do not fit its tensors ({string.Join(", ", tensors)})."
                    + (lost.Count > 0 ? $" These belong to no stage: {string.Join(", ", lost)}." : "")
                    + (empty.Count > 0 ? $" These stages have no tensor: {string.Join(", ", empty)}." : ""));
            }
            return stages;
        }
        var children = module.named_children().Select(child => child.Item1)
            .Where(child => tensors.Any(tensor => Owns(child, tensor))).ToList();
        return new(children.Count > 0 ? children : [""], tensors);
    }

    /// <summary>Tensors of the module itself, such as a position embedding, count to the first stage: they stand
    /// at the input more often than not.</summary>
    public int IndexOf(string tensor) => Math.Max(Find(tensor), 0);

    /// <summary>Whether a submodule lies within the first stages: by its name, or because all its tensors do.
    /// One that spans others too does not.</summary>
    public bool Owns(string module, int stages)
    {
        if (Find(module) is >= 0 and var stage)
            return stage < stages;
        var tensors = _tensors.Where(tensor => Owns(module, tensor)).ToList();
        return tensors.Count > 0 && tensors.TrueForAll(tensor => IndexOf(tensor) < stages);
    }

    private int Find(string name)
    {
        var best = -1;
        for (var i = 0; i < _parts.Count; i++)
        {
            if (Owns(_parts[i], name) && (best < 0 || _parts[i].Length > _parts[best].Length))
                best = i;
        }
        return best;
    }

    private static bool Owns(string part, string name) =>
        part.Length == 0 || (name.StartsWith(part, StringComparison.Ordinal) && (name.Length == part.Length || name[part.Length] == '.'));
}
