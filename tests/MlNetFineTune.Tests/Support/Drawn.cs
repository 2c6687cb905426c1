using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tests.Support;

internal delegate void PlanChange(ref ImagePlan plan);

/// <summary>Pictures of a plan, and numbers of many plans.</summary>
internal static class Drawn
{
    /// <summary>[size, size, 3] bytes of a square formula picture that is not resized, after a change of its plan.</summary>
    public static byte[] Square(int size, PlanChange change, bool hard = false)
    {
        var plan = ImagePlan.Whole(size, size, new ImagePreprocessing { Size = size });
        change(ref plan);
        var output = new byte[size * size * 3];
        ImageEncoder.Draw(new PixelSource(FormulaPicture.Pixels(size, size, hard), size, size, blueFirst: false), plan, output);
        return output;
    }

    /// <summary>The plans that an augmentation makes of a picture that has already been cropped, for rows 0, 1, ...</summary>
    public static ImagePlan[] Plans(Augmentation augmentation, int count = 10_000, int size = 224) =>
    [
        .. Enumerable.Range(0, count).Select(row =>
        {
            var plan = ImagePlan.Whole(size, size, new ImagePreprocessing { Size = size });
            var random = new CountedRandom(1, RandomStream.Augmentation, 1, row);
            augmentation.Apply(ref plan, ref random);
            return plan;
        }),
    ];
}
