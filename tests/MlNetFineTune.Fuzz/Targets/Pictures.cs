using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Fuzz.Targets;

/// <summary>Files of pictures, in all the ways in which they are decoded.</summary>
internal static class Pictures
{
    private static readonly ImageEncoder s_encoder = new(new ImagePreprocessing { Size = 32 });
    private static readonly byte[] s_output = new byte[s_encoder.Length];

    public static void Decode(byte[] input)
    {
        _ = PictureHeader.Of(new Picture(default, input));
        if (ShrunkPicture.TryShrink(new Picture(default, input), longestSide: 24, CancellationToken.None, out var shrunk))
            shrunk.Dispose();
        Require(WholePicture.Decode(input, out _, out _));
        Require(s_encoder.EncodeBytes(input, Augmentation.None, new CountedRandom(), s_output));
    }

    private static void Require(string? refusal)
    {
        if (refusal is not null)
            throw new InvalidDataException(refusal);
    }
}
