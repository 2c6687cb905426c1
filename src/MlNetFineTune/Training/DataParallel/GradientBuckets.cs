using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Processes;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>
/// The sum of the gradients over all processes, in flat buffers of about 25 MB from the head downward, each of which is summed while the
/// backward pass goes on below (as PyTorch's DistributedDataParallel: Li et al. 2020, section 3.2.3, https://arxiv.org/abs/2006.15704).
/// </summary>
/// <remarks>
/// All processes sum the same buffers in the same order, whichever of their parameters have a gradient: a parameter without gradient adds
/// zeros, and at the end of a buffer are the numbers of processes in which each of its parameters has a gradient. A parameter that has none
/// in any process stays without, so that the optimizer leaves it out as in one process.
/// </remarks>
internal sealed class GradientBuckets : IDisposable
{
    /// <summary>Size of a bucket in bytes, as in PyTorch. A larger parameter is a bucket of its own.</summary>
    public const long MostBytes = 25 << 20;

    private readonly ProcessGroup _group;
    private readonly List<Bucket> _buckets = [];
    private string _step = "";
    private int _started;
    private int _unfinished; // the first bucket whose sum is not known to be complete

    /// <param name="group">The processes.</param>
    /// <param name="parameters">The trained parameters in the same order in every process. The network keeps ownership.</param>
    /// <param name="mostBytes">Size of a bucket.</param>
    public GradientBuckets(ProcessGroup group, IEnumerable<NetworkParameter> parameters, long mostBytes = MostBytes)
    {
        _group = group;
        var some = new List<NetworkParameter>();
        var bytes = 0L;
        foreach (var parameter in parameters.OrderByDescending(parameter => parameter.Stage)) // stable
        {
            var more = parameter.Parameter.numel() * sizeof(float);
            if (some.Count > 0 && (bytes + more > mostBytes || DeviceOf(some[0]) != DeviceOf(parameter)))
                Close();
            some.Add(parameter);
            bytes += more;
        }
        if (some.Count > 0)
            Close();

        static string DeviceOf(NetworkParameter parameter) => $"{parameter.Parameter.device}";

        void Close()
        {
            _buckets.Add(new Bucket(some));
            some.Clear();
            bytes = 0;
        }
    }

    public int Count => _buckets.Count;

    /// <summary>Whether sums were started that were not waited for.</summary>
    public bool IsPending => _started > 0;

    /// <summary>
    /// Starts the sums of the buckets whose gradients are complete: those of this stage and the stages above it. Lets earlier sums
    /// progress.
    /// </summary>
    /// <param name="stage">The lowest stage whose gradients are complete; the head is number <c>Stages.Count</c>.</param>
    public void Complete(int stage)
    {
        while (_unfinished < _started && _buckets[_unfinished].Progress())
            _unfinished++;
        if (_started == 0)
            _step = _group.Position;
        while (_started < _buckets.Count && _buckets[_started].LowestStage >= stage)
        {
            SetPosition(_started);
            _buckets[_started].Start(_group);
            _started++;
        }
    }

    /// <summary>Starts the sums that were not started, and waits for all. The gradients of the parameters are then the sums.</summary>
    /// <param name="divisor">Divides the sums.</param>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    public void Wait(double divisor)
    {
        Complete(stage: 0);
        foreach (var (index, bucket) in _buckets.Index())
        {
            SetPosition(index);
            bucket.Wait(divisor);
        }
        _group.Position = _step;
        (_started, _unfinished) = (0, 0);
    }

    /// <summary>Forgets sums that were started and that another process does not complete.</summary>
    public void Abandon() => (_started, _unfinished) = (0, 0);

    public void Dispose() => _buckets.ForEach(bucket => bucket.Dispose());

    // For the message of a ProcessGroupException.
    private void SetPosition(int bucket) =>
        _group.Position = FormattableString.Invariant($"{_step}, gradients {bucket + 1} of {_buckets.Count}");

    private sealed class Bucket : IDisposable
    {
        private readonly Parameter[] _parameters;
        private readonly Tensor _flat; // [numbers of all parameters, and one for each of them]
        private readonly Tensor[] _views; // of each parameter, in its shape and layout
        private readonly Tensor _numbers;
        private readonly Tensor _present;
        private PendingSum? _pending;

        public Bucket(IReadOnlyList<NetworkParameter> parameters)
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            _parameters = [.. parameters.Select(parameter => parameter.Parameter)];
            LowestStage = parameters.Min(parameter => parameter.Stage);
            var total = _parameters.Sum(parameter => parameter.numel());
            _flat = zeros([total + _parameters.Length], ScalarType.Float32, _parameters[0].device).DetachFromDisposeScope();
            _numbers = _flat.narrow(0, 0, total).DetachFromDisposeScope();
            _present = _flat.narrow(0, total, _parameters.Length).DetachFromDisposeScope();
            _views = new Tensor[_parameters.Length];
            var offset = 0L;
            foreach (var (index, parameter) in _parameters.Index())
            {
                var count = parameter.numel();
                // In the layout of the parameter, which may be channels-last: a gradient in another one slows the optimizer.
                _views[index] = (IsDense(parameter) ? _flat.as_strided(parameter.shape, parameter.stride(), offset)
                    : _flat.narrow(0, offset, count).view(parameter.shape)).DetachFromDisposeScope();
                offset += count;
            }
        }

        public int LowestStage { get; }

        public void Start(ProcessGroup group)
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            var present = new float[_parameters.Length];
            foreach (var (index, parameter) in _parameters.Index())
            {
                if (parameter.grad is { } gradient)
                {
                    _views[index].copy_(gradient);
                    parameter.grad = null; // its memory is free for the stages below
                    present[index] = 1;
                }
                else
                {
                    _views[index].zero_();
                }
            }
            _present.copy_(tensor(present, ScalarType.Float32));
            _pending = group.StartSum(_flat);
        }

        public bool Progress() => _pending!.Progress();

        public void Wait(double divisor)
        {
            _pending!.Wait();
            _pending = null;
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            if (divisor != 1)
                _numbers.Div_(divisor);
            var present = _present.cpu().data<float>().ToArray();
            foreach (var (index, parameter) in _parameters.Index())
                parameter.grad = present[index] > 0 ? _views[index].to_type(parameter.dtype) : null;
        }

        public void Dispose()
        {
            foreach (var view in _views)
                view.Dispose();
            _numbers.Dispose();
            _present.Dispose();
            _flat.Dispose();
        }

        // Whether the elements lie in memory without gaps and overlaps, in any order of the dimensions.
        private static bool IsDense(Tensor tensor)
        {
            var expected = 1L;
            foreach (var (size, stride) in tensor.shape.Zip(tensor.stride()).Where(dimension => dimension.First != 1)
                .OrderBy(dimension => dimension.Second))
            {
                if (stride != expected)
                    return false;
                expected *= size;
            }
            return true;
        }
    }
}
