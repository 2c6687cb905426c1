using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>The stages of a module one by one, the head among them, where the module says how: a Sequential does by its children.</summary>
internal sealed class ModuleSteps
{
    private readonly IReadOnlyList<Func<Tensor, Tensor>> _stages;

    private ModuleSteps(IReadOnlyList<Func<Tensor, Tensor>> stages) => _stages = stages;

    /// <returns>Null where the module only runs as a whole.</returns>
    /// <param name="module">Of one input.</param>
    /// <param name="parts">Its stages as <see cref="ModuleStages"/> found them, the head last.</param>
    /// <exception cref="ArgumentException">It computes some of its stages, and others not.</exception>
    public static ModuleSteps? Of(nn.Module module, IReadOnlyList<string> parts) => module switch
    {
        IStagedModule staged => OfStaged(staged, parts),
        // Not a class derived from it, which may compute otherwise.
        TorchSharp.Modules.Sequential sequential when module.GetType() == typeof(TorchSharp.Modules.Sequential) =>
            OfChildren(sequential, parts),
        _ => null,
    };

    /// <summary>Runs the stages from <paramref name="first"/> up to, not including, <paramref name="end"/>.
    /// In the caller's dispose scope.</summary>
    public Tensor Run(Tensor input, int first, int end)
    {
        var current = input;
        for (var stage = first; stage < end; stage++)
            current = _stages[stage](current);
        return current;
    }

    private static ModuleSteps? OfStaged(IStagedModule module, IReadOnlyList<string> parts)
    {
        var stages = parts.Select((_, stage) => module.ComputationOf(stage)).ToList();
        var missing = parts.Where((_, stage) => stages[stage] is null).ToList();
        return missing.Count == parts.Count ? null
            : missing.Count == 0 ? new(stages!)
            : throw new ArgumentException(
                $"{module.GetType().Name}.ComputationOf computes some stages and gives null for {string.Join(", ", missing)}: "
                + "it computes all of them, the head too, or none.");
    }

    private static ModuleSteps? OfChildren(TorchSharp.Modules.Sequential sequential, IReadOnlyList<string> parts)
    {
        var children = sequential.named_children().ToList();
        if (children.Count != sequential.Count || children.Any(child => child.Item2 is not nn.Module<Tensor, Tensor>))
            return null; // a child that is there twice has one name
        var (firsts, place) = (new List<int>(), 0);
        foreach (var part in parts)
        {
            firsts.Add(place);
            place = children.FindIndex(place, child => child.Item1 == part) + 1;
            if (place == 0)
                return null; // parts of another order than the children's
            while (place < children.Count && !parts.Contains(children[place].Item1) && IsPlain(children[place].Item2))
                place++;
        }
        return new([.. parts.Select((_, stage) =>
            Chain([.. children[firsts[stage]..(stage + 1 < parts.Count ? firsts[stage + 1] : children.Count)]
                .Select(child => (nn.Module<Tensor, Tensor>)child.Item2)]))]);
    }

    private static Func<Tensor, Tensor> Chain(nn.Module<Tensor, Tensor>[] layers) =>
        input => layers.Aggregate(input, (current, layer) => layer.call(current));

    // Layers of TorchSharp without tensors go with the stage whose output they take: they compute the same in training and in inference.
    // Those that drop, and a user's own, go with the next one, which may be in training while this stage is frozen.
    private static bool IsPlain(nn.Module module) => module.named_modules().Select(named => named.module).Append(module).All(part =>
        part.GetType().Assembly == typeof(nn.Module).Assembly && !Drops(part))
        && !module.named_parameters().Any() && !module.named_buffers().Any();

    private static bool Drops(nn.Module layer) => layer is TorchSharp.Modules.Dropout1d or TorchSharp.Modules.Dropout2d
        or TorchSharp.Modules.Dropout3d or TorchSharp.Modules.Dropout or TorchSharp.Modules.AlphaDropout
        or TorchSharp.Modules.FeatureAlphaDropout or TorchSharp.Modules.RReLU;
}
