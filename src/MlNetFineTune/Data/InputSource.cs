using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>The columns that enter the network, and how their rows are taken from a cursor.</summary>
internal abstract class InputSource
{
    /// <summary>Bytes of a row.</summary>
    public abstract int Length { get; }

    /// <summary>The one vector of Single that enters, under its name; null where anything else does.</summary>
    public virtual (string Name, VectorDataViewType Type)? Numbers => null;

    /// <exception cref="Exception">A column is missing, or of another type.</exception>
    /// <param name="context">Names the component in the error.</param>
    /// <param name="schema">Of the data.</param>
    /// <param name="prefix">What the data are for, in the error: empty, or "validation ".</param>
    public abstract DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix = "");

    /// <summary>For training: every row, kept.</summary>
    public abstract InputCollector Collect(IHost host, DataViewRow row);

    /// <summary>For scoring: a few rows at a time.</summary>
    public abstract RowReader Read(IHost host, DataViewRow row, int places);
}

/// <summary>Takes the inputs from a cursor, row by row, and gives them back by index.</summary>
internal abstract class InputCollector : IDisposable
{
    /// <summary>Takes the present row's inputs.</summary>
    public abstract void Collect();

    /// <summary>What was collected; its owner disposes it, and this collector no more.</summary>
    public abstract InputRows ToRows();

    public abstract void Dispose();
}
