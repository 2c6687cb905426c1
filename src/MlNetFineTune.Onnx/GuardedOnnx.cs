using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Onnx;

namespace MlNetFineTune.Onnx;

/// <summary>
/// ML.NET's ONNX transformer, safe to dispose at any moment: it frees its session while threads of an open cursor still run it, which
/// ends the process, and is a null reference afterwards. Here whoever scores keeps the session, disposing waits, and what comes later is
/// told. In a model file it is ML.NET's own.
/// </summary>
/// <param name="env">Of the chain.</param>
/// <param name="onnx">Disposed with this. Its one output is a vector of floats.</param>
internal sealed class GuardedOnnx(IHostEnvironment env, OnnxTransformer onnx) : ITransformer, IDisposable
{
    private readonly IHost _host = env.Register(nameof(GuardedOnnx));
    // Scoring reads, disposing writes. A chain may come twice in a pipeline, one's getter calling the other's.
    private readonly ReaderWriterLockSlim _use = new(LockRecursionPolicy.SupportsRecursion);
    private bool _disposed;

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => onnx.GetOutputSchema(inputSchema);

    public IDataView Transform(IDataView input) => new RowToRowMapperTransform(_host, input, MapperOf(input.Schema), MapperOf);

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) =>
        new RowToRowMapperTransform(_host, new EmptyDataView(_host, inputSchema), MapperOf(inputSchema), MapperOf);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        using var lease = Lease();
        ((ICanSaveModel)onnx).Save(ctx);
    }

    /// <summary>Frees the network's memory and its temporary file, after scoring that is under way.</summary>
    public void Dispose()
    {
        _use.EnterWriteLock();
        try
        {
            if (_disposed)
                return;
            _disposed = true;
            onnx.Dispose();
        }
        finally
        {
            _use.ExitWriteLock();
        }
    }

    private IRowMapper MapperOf(DataViewSchema schema)
    {
        using var lease = Lease();
        return new Mapper(this, onnx.MakeRowMapper(schema));
    }

    private ReadLease Lease()
    {
        _use.EnterReadLock();
        if (!_disposed)
            return new ReadLease(_use);
        _use.ExitReadLock();
        throw new ObjectDisposedException(
            nameof(OnnxTransformer), "The chain that ToOnnxPipeline made was disposed; make or load it again, or dispose it later.");
    }

    private readonly ref struct ReadLease(ReaderWriterLockSlim use)
    {
        public void Dispose() => use.ExitReadLock();
    }

    private sealed class Mapper(GuardedOnnx owner, IRowMapper mapper) : IRowMapper
    {
        public Func<int, bool> GetDependencies(Func<int, bool> activeOutput) => mapper.GetDependencies(activeOutput);

        public DataViewSchema.DetachedColumn[] GetOutputColumns() => mapper.GetOutputColumns();

        public ITransformer GetTransformer() => owner;

        public Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action? disposer)
        {
            using var lease = owner.Lease();
            var getters = mapper.CreateGetters(input, activeOutput, out disposer);
            return Array.ConvertAll(getters, getter => getter is ValueGetter<VBuffer<float>> logits ? Guarded(logits) : null);
        }

        void ICanSaveModel.Save(ModelSaveContext ctx) => ((ICanSaveModel)owner).Save(ctx);

        private ValueGetter<VBuffer<float>> Guarded(ValueGetter<VBuffer<float>> logits) => (ref VBuffer<float> value) =>
        {
            using var lease = owner.Lease();
            logits(ref value);
        };
    }
}
