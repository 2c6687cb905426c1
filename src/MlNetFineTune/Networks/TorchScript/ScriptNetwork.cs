using System.Runtime.InteropServices;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// A TorchScript program as a backbone. It runs only as a whole, but each child of its root can be frozen: its parameters take no gradient,
/// and it stays in inference mode.
/// </summary>
internal sealed class ScriptNetwork : BackboneNetwork
{
    private readonly LoadedScript _script;
    private readonly bool _pools;
    private readonly int _size;
    private int _frozenStages;
    private (int FrozenStages, string? Norm)? _tried;

    private ScriptNetwork(LoadedScript script, long[] output, int size)
        : base(TorchScript.Name, checked((int)output[1]))
    {
        (_script, _size) = (script, size);
        _pools = output.Length == 4;
        AddStages();
    }

    /// <summary>A new copy, in inference mode, on the CPU. The caller disposes it.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="source">Name of the file, for messages.</param>
    /// <param name="size">Width and height of the pictures.</param>
    /// <exception cref="InvalidDataException">The program cannot be loaded, fails, or does not give features.</exception>
    public static ScriptNetwork Load(byte[] bytes, string source, int size)
    {
        var script = Open(bytes, source);
        try
        {
            script.Train(false);
            return new ScriptNetwork(script, DryRun(script, source, size), size);
        }
        catch
        {
            script.Dispose();
            throw;
        }
    }

    /// <summary>Only the whole, or nothing of it.</summary>
    public override bool RunsAlone(int stages) => stages == 0 || stages == Stages.Count;

    public override Tensor Forward(Tensor input, int first, int end)
    {
        if (first == end)
            return input.alias();
        if (first > 0 || end < Stages.Count)
            throw new NotSupportedException("A TorchScript program runs as a whole.");
        var output = _script.Run(input)
            ?? throw new InvalidOperationException(
                "The TorchScript program gives one tensor in inference mode and something else in training mode: "
                + "export it without auxiliary outputs.");
        if (!_pools)
            return output;
        using (output)
            return output.mean([2, 3]);
    }

    /// <exception cref="NotSupportedException">Only a part of a child is frozen.</exception>
    public override void SetTraining(int frozenStages, BatchNormMode batchNorm = BatchNormMode.Train)
    {
        if (batchNorm == BatchNormMode.Frozen
            || named_parameters().Any(named => StageOf(named.name) >= frozenStages && !named.parameter.requires_grad))
            throw new NotSupportedException(
                "A TorchScript program trains or freezes the children of its root as a whole. "
                + "Choose Strategy.HeadOnly, LastStages, From or Full, and BatchNormMode.Train.");
        _frozenStages = frozenStages;
        if (frozenStages == Stages.Count)
            _script.Train(false);
        else
            _script.TrainWithout(child => StageOf(child) < frozenStages);
    }

    /// <summary>
    /// Found by two trials, once for each number of frozen stages: running statistics move (BatchNorm in a trace never trains, whatever its
    /// mode), or the output of a picture depends on the picture beside it (BatchNorm without running statistics). Their effects are
    /// reverted.
    /// </summary>
    /// <inheritdoc/>
    public override string? ForeignNorm()
    {
        if (_tried is not { } tried || tried.FrozenStages != _frozenStages)
            _tried = tried = (_frozenStages, TryNorms());
        return tried.Norm;
    }

    private string? TryNorms()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var before = _script.Buffers.Select(named => named.Buffer.clone()).ToList();
        try
        {
            var black = FirstBeside(-1);
            return MovedNorm(before) is { } moved ? $"BatchNorm '{moved}'"
                : black is null || FirstBeside(2)!.allclose(black, rtol: 1e-3, atol: 1e-5) ? null
                : "A BatchNorm without running statistics";
        }
        finally
        {
            foreach (var (named, value) in _script.Buffers.Zip(before))
                named.Buffer.copy_(value);
        }
    }

    private string? MovedNorm(IReadOnlyList<Tensor> before)
    {
        const string Mean = ".running_mean";
        var moved = _script.Buffers.Zip(before).FirstOrDefault(pair =>
            pair.First.Name.EndsWith(Mean, StringComparison.Ordinal) && pair.First.Buffer.ne(pair.Second).any().item<bool>());
        return moved.First.Name?[..^Mean.Length];
    }

    // The output of one picture beside another one, with the same random numbers each time; null if the program gives no tensor.
    private Tensor? FirstBeside(double other)
    {
        var device = _script.Parameters[0].Parameter.device;
        var shape = new long[] { 1, 3, _size, _size };
        var pixels = cat([ones(shape, ScalarType.Float32, device), Scalars.Full(3L * _size * _size, other).view(shape).to(device)]);
        var output = SeededTorch.Run(seed: 0, RandomStream.ModuleSteps, ordinal: 0, () => _script.Run(pixels)!);
        return output?[0];
    }

    public override void MoveTo(Device device)
    {
        if (device.type != DeviceType.CPU)
            _script.MoveTo(device);
    }

    public override void train(bool on = true) => _script.Train(on);

    public override void eval() => _script.Train(false);

    public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true) => _script.Parameters;

    public override IEnumerable<(string name, Tensor buffer)> named_buffers(
        bool recurse = true, bool include_nonpersistent_buffers = true) => _script.Buffers;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _script.Dispose();
        base.Dispose(disposing);
    }

    // A child with tensors is a stage; one without (an activation, a dropout) belongs to the one before it,
    // and what lies at the root to the first.
    private void AddStages()
    {
        var names = NamedTensors().Select(named => named.Name).ToList();
        var stages = new List<(string Name, List<string> Modules)>();
        var first = names.Where(name => !name.Contains('.', StringComparison.Ordinal)).ToList();
        foreach (var child in _script.Children)
        {
            if (names.Any(name => name.StartsWith(child + ".", StringComparison.Ordinal)))
                stages.Add((child, stages.Count == 0 ? [.. first, child] : [child]));
            else
                (stages.Count == 0 ? first : stages[^1].Modules).Add(child);
        }
        if (stages.Count == 0)
            stages.Add(("network", first));
        foreach (var (name, modules) in stages)
            AddStage(
                name, modules, new Computation(
                    _ => throw new NotSupportedException("A TorchScript program runs as a whole."),
                    (_, _) => throw new NotSupportedException("Nothing is known of what a TorchScript program computes.")));
    }

    private static LoadedScript Open(byte[] bytes, string source)
    {
        try
        {
            return new LoadedScript(bytes);
        }
        catch (ExternalException e)
        {
            throw new InvalidDataException(
                $"'{source}' is no TorchScript program, or it is damaged: {FirstLine(e)} {TorchScript.Advice}", e);
        }
    }

    // Two pictures, to detect a batch size that tracing has made constant.
    private static long[] DryRun(LoadedScript script, string source, int size)
    {
        const int Pictures = 2;
        if (script.Parameters.Count == 0)
            throw new InvalidDataException(
                $"The TorchScript program '{source}' has no parameters, so nothing in it can train. "
                + "Export it without torch.jit.freeze and optimize_for_inference, which make constants of them.");
        if (script.Parameters.FirstOrDefault(named => named.Parameter.dtype != ScalarType.Float32) is { Parameter: not null } other)
            throw new InvalidDataException(
                $"Parameter {SafeText.Quoted(other.Name)} of the TorchScript program '{source}' is {other.Parameter.dtype}; "
                + "only Float32 trains. Call model.float() before the export.");

        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var before = script.Buffers.Select(named => named.Buffer.clone()).ToList();
        Tensor? output;
        try
        {
            output = script.Run(zeros(Pictures, 3, size, size, ScalarType.Float32));
        }
        catch (Exception e) when (e is ExternalException or ArgumentException or InvalidOperationException)
        {
            throw new InvalidDataException(
                $"The TorchScript program '{source}' fails on pixels of shape [{Pictures}, 3, {size}, {size}]: "
                + $"{LastLine(e)} Is its input size another one? ImagePreprocessing.Size says it.", e);
        }
        if (output is null)
            throw new InvalidDataException(
                $"The TorchScript program '{source}' gives no tensor, but several or something else. "
                + "Export a network whose forward gives features, [N, F] or [N, C, H, W].");
        if (output.dtype != ScalarType.Float32 || output.ndim is not (2 or 4) || output.shape[0] != Pictures || output.numel() == 0)
            throw new InvalidDataException(
                $"The TorchScript program '{source}' gives {output.dtype} of shape {SafeText.Shape(output.shape)} for {Pictures} pictures; "
                + $"expected Float32 features [{Pictures}, F] or maps [{Pictures}, C, H, W].");
        if (script.Buffers.Zip(before).Any(pair => !pair.First.Buffer.eq(pair.Second).all().item<bool>())
            || !output[0].allclose(output[1], rtol: 1e-3, atol: 1e-3))
            throw new InvalidDataException(
                $"The TorchScript program '{source}' works in training mode even when told to infer: "
                + "its BatchNorm statistics move, or it drops at random. Call model.eval() before torch.jit.trace.");
        return output.shape;
    }

    private static string FirstLine(Exception e) =>
        SafeText.Of(e.Message.Split('\n')[0].Trim().TrimEnd('.'), SafeText.SentenceLength) + ".";

    // Behind the traceback.
    private static string LastLine(Exception e) =>
        SafeText.Of(e.Message.Trim().Split('\n')[^1].Trim().TrimEnd('.'), SafeText.SentenceLength) + ".";
}
