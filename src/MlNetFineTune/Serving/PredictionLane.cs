using System.Collections;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Serving;

/// <summary>
/// A model applied to a list of rows that is replaced for each batch. ML.NET's views, schemas and row accessors are created once; each
/// batch costs one cursor. For one thread at a time.
/// </summary>
internal sealed class PredictionLane<TIn, TOut>
    where TIn : class
    where TOut : class, new()
{
    private readonly PresentRows _rows = new();
    private readonly IEnumerable<TOut> _outputs;

    /// <exception cref="Exception">The columns of <typeparamref name="TIn"/> are not those of the model's input, or those of
    /// <typeparamref name="TOut"/> not of its output.</exception>
    public PredictionLane(IHostEnvironment env, ITransformer model)
    {
        var data = new DataOperationsCatalog(env);
        // Each enumeration opens a cursor over the rows present at that time.
        _outputs = data.CreateEnumerable<TOut>(model.Transform(data.LoadFromEnumerable(_rows)), reuseRowObject: false);
    }

    /// <summary>
    /// One result per row. If a row throws, all rows of the batch are scored again one by one, so that only this row fails.
    /// </summary>
    public void Score(IReadOnlyList<TIn> rows, Span<RowResult<TOut>> results)
    {
        try
        {
            Run(rows, results);
        }
        catch (Exception e) when (rows.Count == 1)
        {
            results[0] = new(null, e);
        }
        catch (Exception)
        {
            for (var i = 0; i < rows.Count; i++)
                Score([rows[i]], results.Slice(i, 1));
        }
    }

    /// <exception cref="Exception">Exception of a getter.</exception>
    public void Run(IReadOnlyList<TIn> rows, Span<RowResult<TOut>> results)
    {
        _rows.Present = rows;
        try
        {
            var count = 0;
            foreach (var output in _outputs)
            {
                if (count == rows.Count)
                    throw WrongCount(rows.Count, "more");
                results[count++] = new(output, null);
            }
            if (count < rows.Count)
                throw WrongCount(rows.Count, $"{count}");
        }
        finally
        {
            _rows.Present = []; // releases the caller's rows
        }
    }

    private static InvalidOperationException WrongCount(int rows, string found) =>
        new($"The model made {found} rows of {rows}: a predictor needs one for each. "
            + "Take transforms that filter or add rows out of the chain.");

    private sealed class PresentRows : IEnumerable<TIn>
    {
        public IReadOnlyList<TIn> Present { get; set; } = [];

        public IEnumerator<TIn> GetEnumerator() => Present.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}

/// <summary>The result of a row: an output or an error.</summary>
internal readonly record struct RowResult<TOut>(TOut? Output, Exception? Error)
    where TOut : class;
