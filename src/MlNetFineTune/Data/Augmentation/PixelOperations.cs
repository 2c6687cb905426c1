using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>Operations on the resampled pixels of one picture, in order. The lists are pooled per thread.</summary>
internal sealed class PixelOperations
{
    [ThreadStatic]
    private static PixelOperations? t_spare;

    private readonly List<PixelOperation> _operations = [];
    private PixelOperations? _next;

    private PixelOperations()
    {
    }

    public IReadOnlyList<PixelOperation> Operations => _operations;

    public static PixelOperations Rent()
    {
        var rented = t_spare ?? new PixelOperations();
        t_spare = rented._next;
        return rented;
    }

    public void Add(in PixelOperation operation) => _operations.Add(operation);

    /// <summary>Applies the operations, once: afterwards the list is reused.</summary>
    /// <param name="pixels">[height, width, 3] bytes, red first.</param>
    /// <param name="size">Size of the picture.</param>
    /// <param name="preprocessing">Provides the fill colour.</param>
    public void Finish(Span<byte> pixels, PixelSize size, ImagePreprocessing preprocessing)
    {
        var canvas = new PixelCanvas(pixels, size, preprocessing, stackalloc byte[PixelCanvas.TablesLength]);
        foreach (var operation in _operations)
            operation.Filter(ref canvas, operation);
        canvas.Flush();
        _operations.Clear();
        _next = t_spare;
        t_spare = this;
    }
}
