using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Onnx;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Onnx;

/// <summary>
/// Wraps ML.NET's ONNX transformer so that it can be disposed at any time. ML.NET's transformer frees its session while threads of an open
/// cursor still use it, which crashes the process, and throws a NullReferenceException afterwards; here a <see cref="DisposalGuard"/> keeps
/// the session alive while a row is scored. Model files contain ML.NET's transformer.
/// </summary>
/// <param name="env">Environment of the chain.</param>
/// <param name="onnx">The wrapped transformer; disposed with this one. Its outputs are vectors of floats.</param>
internal sealed class GuardedOnnx(IHostEnvironment env, OnnxTransformer onnx) : ITransformer, IDisposable
{
    private readonly IHost _host = env.Register(nameof(GuardedOnnx));
    private readonly DisposalGuard _guard = new(
        nameof(OnnxTransformer), "The chain that ToOnnxPipeline made was disposed; make or load it again, or dispose it later.");

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => onnx.GetOutputSchema(inputSchema);

    public IDataView Transform(IDataView input) => new RowToRowMapperTransform(_host, input, MapperOf(input.Schema), MapperOf);

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) =>
        new RowToRowMapperTransform(_host, new EmptyDataView(_host, inputSchema), MapperOf(inputSchema), MapperOf);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        using var lease = _guard.Use();
        ((ICanSaveModel)onnx).Save(ctx);
    }

    /// <summary>Frees the network's memory and its temporary file as soon as no row is being scored.</summary>
    public void Dispose() => _guard.Dispose(onnx.Dispose);

    private IRowMapper MapperOf(DataViewSchema schema)
    {
        using var lease = _guard.Use();
        return new Mapper(this, onnx.MakeRowMapper(schema));
    }

    private sealed class Mapper(GuardedOnnx owner, IRowMapper mapper) : IRowMapper
    {
        public Func<int, bool> GetDependencies(Func<int, bool> activeOutput) => mapper.GetDependencies(activeOutput);

        public DataViewSchema.DetachedColumn[] GetOutputColumns() => mapper.GetOutputColumns();

        public ITransformer GetTransformer() => owner;

        public Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action? disposer)
        {
            using var lease = owner._guard.Use();
            var getters = mapper.CreateGetters(input, activeOutput, out disposer);
            return Array.ConvertAll(getters, getter => getter is ValueGetter<VBuffer<float>> logits ? Guarded(logits) : null);
        }

        void ICanSaveModel.Save(ModelSaveContext ctx) => ((ICanSaveModel)owner).Save(ctx);

        private ValueGetter<VBuffer<float>> Guarded(ValueGetter<VBuffer<float>> logits) => (ref VBuffer<float> value) =>
        {
            using var lease = owner._guard.Use();
            logits(ref value);
        };
    }
}
