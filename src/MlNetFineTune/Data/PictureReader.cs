using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Data;

/// <summary>Takes pictures out of a column, on the cursor's thread.</summary>
internal abstract class PictureReader
{
    /// <summary>The present row's picture, until the next call or until the cursor moves.</summary>
    public abstract Picture Read();
}

/// <summary>Files, named by text.</summary>
internal sealed class PathReader(DataViewRow row, DataViewSchema.Column column, string? folder) : PictureReader
{
    private readonly ValueGetter<ReadOnlyMemory<char>> _getter = row.GetGetter<ReadOnlyMemory<char>>(column);
    private ReadOnlyMemory<char> _path;

    public override Picture Read()
    {
        _getter(ref _path);
        var path = _path.ToString();
        return new Picture(new PictureHead(Path: Native(folder is null || path.Length == 0 ? path : Path.Combine(folder, path))));
    }

    // A table or a model may come from Windows, where both marks part folders; elsewhere a name may hold the other one, so a file of the
    // very name comes first.
    private static string Native(string path) =>
        Path.DirectorySeparatorChar == '/' && path.Contains('\\') && !Path.Exists(path) && path.Replace('\\', '/') is var other
            && Path.Exists(other) ? other : path;
}

/// <summary>The bytes of files, as <c>LoadRawImageBytes</c> or a database gives them.</summary>
internal sealed class FileBytesReader(DataViewRow row, DataViewSchema.Column column) : PictureReader
{
    private readonly VectorColumn<byte> _bytes = new(row, column);

    public override Picture Read() => _bytes.Next() is { IsEmpty: false } bytes ? new Picture(default, bytes)
        : Picture.Unusable("the picture has no bytes");
}

/// <summary>ML.NET's images. Never disposed here: one may be the user's own, kept in a list and read again;
/// where each row's is a new one, the one before is freed.</summary>
internal sealed class ImageReader(DataViewRow row, DataViewSchema.Column column) : PictureReader
{
    private readonly ValueGetter<MLImage> _getter = row.GetGetter<MLImage>(column);
    private MLImage? _image;
    private PixelForm? _form;

    public override Picture Read()
    {
        _getter(ref _image!);
        if (_image is null)
            return Picture.Unusable("the image is missing");
        var form = new PixelForm(_image.Width, _image.Height, _image.PixelFormat == MLPixelFormat.Bgra32);
        if (form != _form)
            _form = form; // images of one size share one
        return new Picture(new PictureHead(Pixels: _form), _image.Pixels);
    }
}
