using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Examination;
using SkiaSharp;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Whether features of a frozen network tell which photos lie on their side, which <c>ml.FineTuning.Examine</c> does not claim. A linear
/// model learns from photos in four rotations which of them is the stored one (as Gidaris et al. 2018, https://arxiv.org/abs/1803.07728,
/// train a whole network), and judges photos that it was not fitted to. 5 % of the photos are rotated before.
/// </summary>
internal static class RotationStudy
{
    private const int Folds = 5, Rotations = 4, Side = 256;
    private const double Planted = 0.05, Penalty = 1e-3;
    private const float Confident = 0.9f;

    public static void Print(string set, IReadOnlyList<PlantedPhoto> all, int most)
    {
        var random = new Random(1);
        PlantedPhoto[] photos = [.. all];
        random.Shuffle(photos);
        photos = photos[..Math.Min(most, photos.Length)];
        int[] stored = [.. photos.Select((_, place) => place < Planted * photos.Length ? 1 + random.Next(Rotations - 1) : 0)];
        var folder = Directory.CreateTempSubdirectory("rotations-");
        try
        {
            var paths = photos.SelectMany((photo, place) => Enumerable.Range(0, Rotations).Select(turn => Write(
                photo.ImagePath, (stored[place] + turn) % Rotations, Path.Combine(folder.FullName, $"{place}-{turn}.jpg")))).ToArray();
            var features = FeaturesOf(paths);
            int[] labels = [.. paths.Select((_, row) => row % Rotations)];
            int[] groups = [.. paths.Select((_, row) => row / Rotations)];
            var scores = new float[paths.Length * Rotations];
            using (var model = new SoftmaxRegression(WithOnes(features), labels, Rotations, Penalty))
            {
                foreach (var fold in OutOfFold.Divide(labels, groups, Folds, seed: 1))
                {
                    var held = model.ScoreHeldOut(fold, CancellationToken.None);
                    for (var i = 0; i < fold.Length; i++)
                        held.AsSpan(i * Rotations, Rotations).CopyTo(scores.AsSpan(fold[i] * Rotations));
                }
            }
            float[] Of(int row) => scores.AsSpan(row * Rotations, Rotations).ToArray();
            var right = Enumerable.Range(0, paths.Length).Count(row => Array.IndexOf(Of(row), Of(row).Max()) == labels[row]);
            bool[] suspected = [.. photos.Select((_, place) => Of(place * Rotations).Skip(1).Max() >= Confident)];
            var found = stored.Zip(suspected).Count(pair => pair.First > 0 && pair.Second);
            var (rotated, all4) = (stored.Count(turn => turn > 0), (double)paths.Length);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {set} | {photos.Length} | {right / all4:0.00} | {rotated} | {found / (double)rotated:0.00} "
                + $"| {found / (double)Math.Max(1, suspected.Count(one => one)):0.00} |"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Write(string photo, int turns, string path)
    {
        using var full = SKBitmap.Decode(photo);
        using var surface = SKSurface.Create(new SKImageInfo(Side, Side));
        surface.Canvas.RotateDegrees(90 * turns, Side / 2f, Side / 2f);
        var square = Math.Min(full.Width, full.Height);
        var (left, top) = ((full.Width - square) / 2, (full.Height - square) / 2);
        using var paint = new SKPaint { FilterQuality = SKFilterQuality.High };
        surface.Canvas.DrawBitmap(full, new SKRect(left, top, left + square, top + square), new SKRect(0, 0, Side, Side), paint);
        using var image = surface.Snapshot();
        using var encoded = image.Encode(SKEncodedImageFormat.Jpeg, 95);
        File.WriteAllBytes(path, encoded.ToArray());
        return path;
    }

    private static float[][] FeaturesOf(string[] paths)
    {
        var ml = new MLContext(1);
        var view = ml.Data.LoadFromEnumerable(paths.Select(path => new PlantedPhoto { ImagePath = path }));
        using var network = ml.Transforms.ExtractImageFeatures("Features", "ImagePath", SharedFiles.MobileNetV2()).Fit(view);
        return [.. network.Transform(view).GetColumn<float[]>("Features")];
    }

    // Minus the mean, of length 1, and a column of ones.
    private static Tensor WithOnes(float[][] features)
    {
        using var scope = NewDisposeScope();
        var rows = tensor(features.SelectMany(row => row).ToArray(), [features.Length, features[0].Length], ScalarType.Float32);
        rows = nn.functional.normalize(rows, dim: 1);
        rows = nn.functional.normalize(rows - rows.mean([0], keepdim: true), dim: 1);
        return cat([rows, ones([features.Length, 1], ScalarType.Float32)], 1).MoveToOuterDisposeScope();
    }
}
