using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune;

/// <summary>
/// A module with several inputs and no custom <c>forward</c>: a branch for each input, whose outputs are flattened and concatenated, and a
/// head on the result (late fusion by concatenation, Baltrusaitis et al. 2019, https://arxiv.org/abs/1705.09406, section 6).
/// <c>ExportOnnx</c> supports it if branches and head consist of supported layers. The branches are its stages, in order, then the head.
/// </summary>
/// <example>
/// A column of numbers, and a key with an embedding:
/// <code>
/// new InputBranches(
///     [("numbers", nn.Identity()), ("color", nn.Embedding(context.Inputs[1].KeyCount, 3))],
///     nn.Sequential(("hidden", nn.Linear(context.Inputs[0].Size + 3, 16)), ("relu", nn.ReLU()), ("out", nn.Linear(16, context.Outputs))))
/// </code>
/// </example>
public sealed class InputBranches : nn.Module<Tensor[], Tensor>
{
    internal const string HeadName = "head";

    /// <param name="branches">
    /// One for each input of the module, in order: from [N, ...] (keys: Int64) to [N, ...], Float32. Their names are the prefixes of their
    /// tensors' names. Owned by the module.
    /// </param>
    /// <param name="head">From the concatenated outputs, [N, F], to the module's. Its tensors' names begin with "head". Owned by the
    /// module.</param>
    /// <exception cref="ArgumentException">There is no branch, two have the same name, or a name is "head" or contains a dot.</exception>
    public InputBranches(IReadOnlyList<(string Name, nn.Module<Tensor, Tensor> Module)> branches, nn.Module<Tensor, Tensor> head)
        : base(nameof(InputBranches))
    {
        ArgumentNullException.ThrowIfNull(branches);
        ArgumentNullException.ThrowIfNull(head);
        if (branches.Count == 0)
            throw new ArgumentException("A module has one input at least, and each input a branch.", nameof(branches));
        var names = new HashSet<string>(StringComparer.Ordinal) { HeadName };
        foreach (var (name, module) in branches)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(name, nameof(branches));
            ArgumentNullException.ThrowIfNull(module, nameof(branches));
            if (name.Contains('.') || !names.Add(name))
            {
                throw new ArgumentException(
                    $"A branch is called {SafeText.Quoted(name)}: names have no point in them, and are different from one another and from "
                    + $"'{HeadName}'.", nameof(branches));
            }
            register_module(name, module);
        }
        register_module(HeadName, head);
        (Branches, Head) = ([.. branches], head);
    }

    internal IReadOnlyList<(string Name, nn.Module<Tensor, Tensor> Module)> Branches { get; }

    internal nn.Module<Tensor, Tensor> Head { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor[] input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Length != Branches.Count)
        {
            throw new ArgumentException(
                $"There are {Branches.Count} branches ({string.Join(", ", Branches.Select(branch => branch.Name))}) for {input.Length} "
                + "inputs: each input has one.", nameof(input));
        }
        using var scope = NewDisposeScope();
        var features = cat([.. Branches.Zip(input).Select(pair => pair.First.Module.call(pair.Second).flatten(1))], 1); // [N, F]
        return Head.call(features).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var (_, branch) in Branches)
                branch.Dispose();
            Head.Dispose();
        }
        base.Dispose(disposing);
    }
}
