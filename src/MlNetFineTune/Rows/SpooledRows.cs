using Microsoft.ML.Data;
using Microsoft.Win32.SafeHandles;
using MlNetFineTune.Augmentations;
using MlNetFineTune.Images;

namespace MlNetFineTune.Rows;

/// <summary>
/// Pictures of an image column, whose pixels exist only while the cursor stands on their row: written once to a temporary file, then read by
/// index. The file has no other reader and goes when it is closed, even if the process is killed (on Windows) or on disposal.
/// </summary>
internal sealed class SpooledRows : ImageRows
{
    private readonly List<(long Offset, int Width, int Height, bool BlueFirst)> _index = [];
    private readonly SafeFileHandle _file;
    private readonly string _path;
    private long _end;

    public SpooledRows(string folder)
    {
        Directory.CreateDirectory(folder);
        _path = Path.Combine(folder, $"mlnetfinetune-{Guid.NewGuid():N}.pixels");
        _file = File.OpenHandle(_path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
    }

    public override int Count => _index.Count;

    /// <summary>For the log.</summary>
    public string Describe() => $"{_end >> 20} MiB in '{Path.GetDirectoryName(_path)}'";

    public override string? PathOf(int row) => null;

    /// <summary>Appends a row; a missing picture is kept as such, so that ordinals stay.</summary>
    public void Add(MLImage? image)
    {
        if (image is null)
        {
            _index.Add((_end, 0, 0, false));
            return;
        }
        var pixels = image.Pixels;
        try
        {
            RandomAccess.Write(_file, pixels, _end);
        }
        catch (IOException e)
        {
            throw new IOException($"The pictures of the image column could not be written to '{_path}' after {_end >> 20} MiB: {e.Message} Give a column of paths, put ResizeImages before, or set MLContext.TempFilePath to a larger disk.", e);
        }
        _index.Add((_end, image.Width, image.Height, image.PixelFormat == MLPixelFormat.Bgra32));
        _end += pixels.Length;
    }

    public override string? Encode(int row, ImageEncoder encoder, Augmentation augmentation, CountedRandom random, Span<byte> output)
    {
        var (offset, width, height, blueFirst) = _index[row];
        if (width == 0)
            return "the image is missing";
        using var pixels = new ScratchBuffer<byte>(width * height * 4);
        for (var read = 0; read < pixels.Span.Length;)
        {
            var count = RandomAccess.Read(_file, pixels.Span[read..], offset + read);
            read += count > 0 ? count : throw new EndOfStreamException($"The temporary file '{_path}' was cut off by someone else.");
        }
        return encoder.EncodePixels(new PixelSource(pixels.Span, width, height, blueFirst), augmentation, random, output);
    }

    public override void Dispose() => _file.Dispose();
}
