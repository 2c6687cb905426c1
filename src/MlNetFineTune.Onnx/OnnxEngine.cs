using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace MlNetFineTune.Onnx;

/// <summary>
/// The first stages of a network in ONNX Runtime, on the CPU. Reads the memory of the input tensors, without a copy.
/// </summary>
/// <remarks>
/// The rows of a batch are computed in parts, each by one run on one thread, as many at a time as torch has threads. A part of one picture
/// of 224 pixels stays in the caches, and threads meet once a batch, not in each operator: MobileNetV2 took half of the processor time of
/// one run of 16 pictures (docs/onnx.md). A batch of a single part is computed by a session of its own, whose threads share each operator.
/// They spin between operators, since waking them takes longer than most of these, and sleep when the run ends: the rows of the next batch
/// are decoded on the same cores.
/// </remarks>
internal sealed class OnnxEngine : StageEngine
{
    private const string SpinningStopsWithRun = "session.force_spinning_stop";

    // Numbers that enter the network in one run: a picture of 224 pixels.
    private const long NumbersOfPart = 3 * 224 * 224;

    private readonly int _threads = get_num_threads();
    private readonly InferenceSession _ofParts;
    private readonly object _lock = new();
    private readonly RunOptions _options = new();
    private readonly string[] _inputs;
    private readonly string[] _outputs;
    private readonly Func<ModelInputs, IReadOnlyList<Tensor>> _enter;
    private readonly Func<Tensor, ModelInputs, Tensor> _leave;
    private byte[]? _network; // for a second session: many models never score a single row
    private InferenceSession? _alone;

    private OnnxEngine(StageGraph stages)
    {
        _network = OnnxFile.ToBytes(stages.Graph, [(stages.Output, null)]);
        (_ofParts, _enter, _leave) = (Open(_network, threads: 1), stages.Enter, stages.Leave);
        if (_threads == 1)
            (_alone, _network) = (_ofParts, null);
        _inputs = [.. stages.Graph.Inputs.Select(input => input.Value.Name)];
        _outputs = [stages.Output.Name];
        Name = $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}";
    }

    public override string Name { get; }

    /// <summary>Copies the weights of the first stages. The caller disposes the result.</summary>
    /// <param name="network">The network, in inference mode.</param>
    /// <param name="stages">Number of stages.</param>
    /// <exception cref="NotSupportedException">The stages cannot be computed by ONNX Runtime; the message says why.</exception>
    /// <exception cref="InvalidOperationException">The native library of ONNX Runtime does not load.</exception>
    public static OnnxEngine Open(FineTunedNetwork network, int stages)
    {
        if (network.Device.type != DeviceType.CPU)
            throw new NotSupportedException("The network is on a GPU.");
        if (network.UsesBFloat16)
            throw new NotSupportedException("The network computes in bfloat16 (Precision), and ONNX Runtime in 32-bit floats.");
        if (stages == 0 || !network.RunsAlone(stages))
            throw new NotSupportedException($"Of {network.Name} no stages below the head run by themselves.");
        var graph = network.WriteFirst(stages);
        return OnnxLibrary.Load(() => new OnnxEngine(graph));
    }

    /// <inheritdoc/>
    /// <exception cref="OnnxRuntimeException">ONNX Runtime cannot run the network on these inputs.</exception>
    public override Tensor Forward(ModelInputs inputs)
    {
        using var scope = NewDisposeScope();
        var tensors = _enter(inputs);
        var parts = PartsOf(tensors[0]);
        RowMemory[] memory = [.. tensors.Select(RowMemory.Of)];
        var results = new IDisposableReadOnlyCollection<OrtValue>?[parts.Length];
        try
        {
            if (parts.Length == 1)
                results[0] = Run(Alone(), memory, parts[0]);
            else
                InParallel(parts.Length, part => results[part] = Run(_ofParts, memory, parts[part]));
            GC.KeepAlive(tensors);
            return _leave(ToTensor([.. results.Select(result => result![0])]), inputs).MoveToOuterDisposeScope();
        }
        finally
        {
            foreach (var result in results)
                result?.Dispose();
        }
    }

    public override void Dispose()
    {
        _ofParts.Dispose();
        _alone?.Dispose();
        _options.Dispose();
    }

    private InferenceSession Alone()
    {
        lock (_lock)
        {
            _alone ??= Open(_network!, _threads);
            _network = null;
            return _alone;
        }
    }

    // The context's options of sessions are not in its hosts.
    private static InferenceSession Open(byte[] network, int threads)
    {
        using var options = new SessionOptions
        {
            IntraOpNumThreads = threads,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        options.AddSessionConfigEntry(SpinningStopsWithRun, "1");
        return new InferenceSession(network, options);
    }

    // Throws what a part throws, as a single part does.
    private void InParallel(int parts, Action<int> run)
    {
        try
        {
            Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = _threads }, run);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    private (int First, int Count)[] PartsOf(Tensor rows)
    {
        var count = checked((int)rows.shape[0]);
        var size = (int)Math.Clamp(NumbersOfPart / Math.Max(rows.numel() / count, 1), 1, (count + _threads - 1) / _threads);
        return [.. Enumerable.Range(0, count).Chunk(size).Select(part => (part[0], part.Length))];
    }

    private IDisposableReadOnlyCollection<OrtValue> Run(
        InferenceSession session, RowMemory[] tensors, (int First, int Count) part)
    {
        var values = new List<OrtValue>(tensors.Length);
        try
        {
            foreach (var tensor in tensors)
                values.Add(tensor.ValueOf(part));
            return session.Run(_options, _inputs, values, _outputs);
        }
        finally
        {
            foreach (var value in values)
                value.Dispose();
        }
    }

    // [N, ...] from the results of parts. On the thread of the dispose scope.
    private static unsafe Tensor ToTensor(IReadOnlyList<OrtValue> parts)
    {
        long[][] shapes = [.. parts.Select(part => part.GetTensorTypeAndShape().Shape)];
        var result = empty([shapes.Sum(shape => shape[0]), .. shapes[0][1..]], ScalarType.Float32);
        var to = AddressOf(result);
        foreach (var part in parts)
        {
            var bytes = MemoryMarshal.AsBytes(part.GetTensorDataAsSpan<float>());
            bytes.CopyTo(new Span<byte>((void*)to, bytes.Length));
            to += bytes.Length;
        }
        return result;
    }

    // Of a contiguous tensor of any size, while Tensor.bytes ends at 2 GiB.
    private static unsafe nint AddressOf(Tensor tensor)
    {
        using var numbers = tensor.view(-1);
        using var first = numbers.narrow(0, 0, 1);
        return (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

    /// <summary>The memory of a tensor [N, ...], which its owner keeps alive.</summary>
    private sealed record RowMemory(nint Address, long RowBytes, long[] RowShape, TensorElementType Type)
    {
        public static RowMemory Of(Tensor tensor) => new(
            AddressOf(tensor), tensor.numel() / tensor.shape[0] * tensor.element_size(), tensor.shape[1..],
            tensor.dtype == ScalarType.Int64 ? TensorElementType.Int64 : TensorElementType.Float);

        /// <summary>Rows of the tensor, without a copy. The caller disposes the value.</summary>
        public OrtValue ValueOf((int First, int Count) part) => OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, Type, [part.Count, .. RowShape], Address + (nint)(part.First * RowBytes),
            part.Count * RowBytes);
    }
}
