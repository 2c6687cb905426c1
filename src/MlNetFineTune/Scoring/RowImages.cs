using MlNetFineTune.Augmentations;
using MlNetFineTune.Images;
using MlNetFineTune.Rows;

namespace MlNetFineTune.Scoring;

/// <summary>The pictures of some rows, taken on the cursor's thread and encoded on any. Copied when they are taken: ML.NET's transforms may dispose an image as soon as the cursor moves on, whoever still holds it.</summary>
internal sealed class RowImages(PictureReader reader, int places)
{
    private readonly (PictureHead Head, byte[] Bytes, int Length)[] _pictures = new (PictureHead, byte[], int)[places];

    /// <summary>Takes the present row's picture into a place.</summary>
    public void Take(int place)
    {
        var picture = reader.Read();
        ref var copy = ref _pictures[place];
        if (copy.Bytes is null || copy.Bytes.Length < picture.Bytes.Length)
            copy.Bytes = new byte[picture.Bytes.Length];
        picture.Bytes.CopyTo(copy.Bytes);
        (copy.Head, copy.Length) = (picture.Head, picture.Bytes.Length);
    }

    /// <returns>Null, or why the picture cannot be used.</returns>
    public string? Encode(int place, ImageEncoder encoder, Augmentation view, Span<byte> output)
    {
        var (head, bytes, length) = _pictures[place];
        return new Picture(head, bytes.AsSpan(0, length)).Encode(encoder, view, default, output);
    }

    /// <summary>What to call the picture in a message.</summary>
    public string Describe(int place) => _pictures[place].Head.Path is { } path ? $"'{path}'" : "the image";
}
