using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Data;

/// <summary>Reads pictures of a column, on the cursor's thread.</summary>
internal abstract class PictureReader
{
    /// <summary>The current row's picture, valid until the next call or until the cursor moves.</summary>
    public abstract Picture Read();
}

/// <summary>Reads files by paths (text).</summary>
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

    // Data or a model may come from Windows, where both characters separate folders; on other systems a backslash may be part of a name, so
    // an existing file of exactly this name takes precedence.
    private static string Native(string path) =>
        Path.DirectorySeparatorChar == '/' && path.Contains('\\') && !Path.Exists(path) && path.Replace('\\', '/') is var other
            && Path.Exists(other) ? other : path;
}

/// <summary>Reads the content of files, as from <c>LoadRawImageBytes</c> or a database.</summary>
internal sealed class FileBytesReader(DataViewRow row, DataViewSchema.Column column) : PictureReader
{
    private readonly VectorColumn<byte> _bytes = new(row, column);

    public override Picture Read() =>
        _bytes.Next() is { IsEmpty: false } bytes ? new Picture(default, bytes) : Picture.Missing("the picture has no bytes");
}

/// <summary>
/// Reads ML.NET's images. They are not disposed here, because one may belong to the caller and be read again; if each row has a new image,
/// the cursor's source disposes the previous one.
/// </summary>
/// <param name="row">The cursor that is read.</param>
/// <param name="column">Of images.</param>
/// <param name="files">What the images were decoded from; null where that is not known. Read where an image is missing.</param>
internal sealed class ImageReader(DataViewRow row, DataViewSchema.Column column, PictureReader? files = null) : PictureReader
{
    private readonly ValueGetter<MLImage> _getter = row.GetGetter<MLImage>(column);
    private MLImage? _image;
    private PixelForm? _form;

    public override Picture Read()
    {
        _getter(ref _image!);
        if (_image is null)
            return files is null ? Picture.Missing("the image is missing") : files.Read();
        var form = new PixelForm(_image.Width, _image.Height, _image.PixelFormat == MLPixelFormat.Bgra32);
        if (form != _form)
            _form = form; // images of one size share one
        return new Picture(new PictureHead(Pixels: _form), _image.Pixels);
    }
}
