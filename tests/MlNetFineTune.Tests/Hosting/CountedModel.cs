using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Tests.Hosting;

/// <summary>A model that counts how often it is disposed.</summary>
internal sealed class CountedModel(ITransformer inner, Action onDispose) : ITransformer, IDisposable
{
    public bool IsRowToRowMapper => inner.IsRowToRowMapper;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inner.GetOutputSchema(inputSchema);

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => inner.GetRowToRowMapper(inputSchema);

    public IDataView Transform(IDataView input) => inner.Transform(input);

    void ICanSaveModel.Save(ModelSaveContext ctx) => inner.Save(ctx);

    public void Dispose()
    {
        onDispose();
        ((IDisposable)inner).Dispose();
    }
}
