using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Rows;

/// <summary>Takes the pictures from a cursor, row by row, and gives them back by index.</summary>
internal abstract class ImageCollector : IDisposable
{
    /// <summary>Takes the present row's picture.</summary>
    public abstract void Collect();

    /// <summary>What was collected; its owner disposes it, and this collector no more.</summary>
    public abstract ImageRows ToRows();

    public abstract void Dispose();

    public static ImageCollector Create(IHost host, DataViewRow row, DataViewSchema.Column column, string? folder) => column.Type switch
    {
        TextDataViewType => new Paths(row, column, folder),
        ImageDataViewType => new Pixels(row, column, Contexts.TemporaryFolder(host)),
        _ => throw host.ExceptSchemaMismatch("input", "image", column.Name, ImageColumnTypes.Expected, column.Type.ToString()),
    };

    private sealed class Paths(DataViewRow row, DataViewSchema.Column column, string? folder) : ImageCollector
    {
        private readonly ValueGetter<ReadOnlyMemory<char>> _getter = row.GetGetter<ReadOnlyMemory<char>>(column);
        private readonly List<string> _paths = [];
        private ReadOnlyMemory<char> _path;

        public override void Collect()
        {
            _getter(ref _path);
            _paths.Add(ImageColumnTypes.Resolve(_path, folder));
        }

        public override ImageRows ToRows() => new PathRows(_paths);

        public override void Dispose()
        {
        }
    }

    private sealed class Pixels(DataViewRow row, DataViewSchema.Column column, string temporaryFolder) : ImageCollector
    {
        private readonly ValueGetter<MLImage> _getter = row.GetGetter<MLImage>(column);
        private readonly SpooledRows _rows = new(temporaryFolder);
        private MLImage? _image;

        public override void Collect()
        {
            _getter(ref _image!);
            _rows.Add(_image);
        }

        public override ImageRows ToRows() => _rows;

        // Not the image: it may be the user's own, kept in a list and read again. Who makes one for each row frees the one before.
        public override void Dispose() => _rows.Dispose();
    }
}
