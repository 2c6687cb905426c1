using SkiaSharp;

namespace Pretrain;

/// <summary>
/// Pictures drawn by formulas, to pretrain a small backbone where no photo data set may be used: fractals, textures and
/// shapes, 64 classes, strongly varied within each. A picture is a pure function of (seed, class, index, size).
/// </summary>
/// <remarks>
/// Similar to Kataoka et al., "Pre-training without Natural Images", ACCV 2020 (https://arxiv.org/abs/2101.08515), whose FractalDB classes
/// are iterated function systems. Textures and shapes are added, and every formula is rendered like a photo: coloured, embossed, lit,
/// blurred, noisy, so that neither colour nor contrast identifies the class.
/// </remarks>
public static class FormulaImages
{
    private static readonly FormulaClass[] All =
        [.. FormulaFractals.Classes, .. FormulaTextures.Classes, .. FormulaTilings.Classes, .. FormulaShapes.Classes];

    /// <summary>The class names, in the order of their indices.</summary>
    public static IReadOnlyList<string> Classes { get; } = [.. All.Select(formula => formula.Name)];

    /// <summary>Draws one picture (BGRA, 8 bits); the caller disposes it.</summary>
    /// <param name="seed">Seed of the data set.</param>
    /// <param name="classIndex">Index into <see cref="Classes"/>.</param>
    /// <param name="index">Index of the picture within its class.</param>
    /// <param name="size">Side in pixels.</param>
    public static SKBitmap Draw(int seed, int classIndex, int index, int size = 96)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(classIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(classIndex, All.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 16);

        var dice = new Dice(seed, classIndex, index);
        float[] field = All[classIndex].Draw(dice, size);
        return FormulaPaint.Show(field, size, All[classIndex].IsFigure, dice);
    }

    /// <summary>Writes <c>path/class/class-00001.jpg</c> and so on, on two threads; the files do not depend on their number.</summary>
    public static void WriteFolder(string path, int seed, int imagesPerClass, int size = 96)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(imagesPerClass);
        Parallel.For(0, All.Length, new ParallelOptions { MaxDegreeOfParallelism = 2 }, classIndex =>
        {
            string folder = Path.Combine(path, Classes[classIndex]);
            Directory.CreateDirectory(folder);
            for (int index = 0; index < imagesPerClass; index++)
            {
                using SKBitmap picture = Draw(seed, classIndex, index, size);
                using FileStream file = File.Create(Path.Combine(folder, $"{Classes[classIndex]}-{index + 1:00000}.jpg"));
                picture.Encode(file, SKEncodedImageFormat.Jpeg, quality: 90);
            }
        });
    }
}
