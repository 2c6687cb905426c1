using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>The ants-bees photos: JPEG files of a few hundred pixels a side.</summary>
internal static class Photos
{
    public const int Workers = 2;

    /// <param name="count">Largest number of photos, spread over both classes; null for all.</param>
    public static IReadOnlyList<string> Paths(int? count = null)
    {
        string[] all = [.. Directory.EnumerateFiles(SharedFiles.Require("data/ants-bees"), "*.jpg", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)];
        return count is { } few && few < all.Length ? [.. Enumerable.Range(0, few).Select(i => all[i * all.Length / few])] : all;
    }

    /// <summary>Reads every photo once, as training does, and normalises each batch.</summary>
    /// <returns>The number of photos, and optionally the mean of all normalised values, for comparison with the peer.</returns>
    public static (int Count, double Mean) Decode(
        IReadOnlyList<string> paths, ImagePreprocessing preprocessing, Augmentation augmentation, int epoch = 0, bool withMean = true)
    {
        using var rows = Open(paths, new ImageEncoder(preprocessing));
        return Decode(rows, preprocessing, augmentation, epoch, withMean);
    }

    /// <summary>The rows of a training. The caller disposes them.</summary>
    public static EncodedImages Open(IReadOnlyList<string> paths, ImageEncoder encoder, ShrunkPictures? shrunk = null)
    {
        var files = new StoredRows(Path.GetTempPath());
        foreach (var path in paths)
            files.Add(new Picture(new PictureHead(Path: path)));
        return new EncodedImages(files, "ImagePath", encoder, shrunk);
    }

    /// <summary>Reads every row once, as training does, and normalises each batch.</summary>
    public static (int Count, double Mean) Decode(
        EncodedImages rows, ImagePreprocessing preprocessing, Augmentation augmentation, int epoch, bool withMean)
    {
        using var normalizer = new PixelNormalizer(preprocessing, CPU);
        var loader = new BatchLoader(rows, seed: 1, Workers);
        var (count, sum) = (0, 0.0);
        foreach (var batch in loader.Read(
            BatchLoader.Split([.. Enumerable.Range(0, rows.Count)], Networks.Batch), augmentation, epoch, OnBadRow,
            CancellationToken.None))
        {
            using var pixels = normalizer.ToTensor(batch.Samples, batch.Count);
            count += batch.Count;
            if (!withMean)
                continue;
            using var mean = pixels.mean();
            sum += mean.item<float>() * batch.Count;
        }
        return (count, sum / count);

        void OnBadRow(int row, string reason) => throw new InvalidDataException($"'{rows.PathOf(row)}': {reason}");
    }
}
