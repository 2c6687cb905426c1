using MlNetFineTune;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Transforms;

namespace Microsoft.ML;

// Augmentation for any trainer: ml.Transforms.AugmentImages(...), ml.Data.Augment(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Augments pictures while the estimators after it are fitted, and passes them on unchanged in scoring, evaluation and the saved model.
    /// Fitting it does not read data.
    /// </summary>
    /// <remarks>
    /// <format type="text/markdown"><![CDATA[
    /// ### Estimator Characteristics
    /// | | |
    /// | -- | -- |
    /// | Does this estimator need to look at the data to train its parameters? | No |
    /// | Input column data type | Image, or Text (paths), or Vector of Byte (the bytes of JPEG, PNG, GIF, BMP and WebP files) |
    /// | Output column data type | Image, of the input's own size; the EXIF orientation of files is applied |
    /// | Exportable to ONNX | No |
    ///
    /// A row has the same augmented picture on every cursor, independently of the order of the rows and the number of threads: random
    /// numbers depend only on seed and row id. ML.NET's trainers use one augmented picture per row; `ml.Data.Augment` provides several.
    /// `FineTuneImages` directly after it, or after steps that only add other columns, uses the augmentation as its own option and reads
    /// the column of paths or bytes itself: new pictures in every epoch with the trainer's seed, bit-identical weights to those with the
    /// option, validation without augmentation, and the same treatment of bad and missing pictures. Its fitted model reads the paths or
    /// bytes in scoring too, if no step between them creates the images anew.
    ///
    /// ML.NET augments only in flat chains: in a chain that is appended as a whole, pictures are not augmented. `AppendCacheCheckpoint`
    /// after it stores one augmented picture per row, and drops columns of images.
    ///
    /// Area and aspect ratio of a crop are relative to the picture's. Areas outside the picture are filled with ImageNet's mean colour.
    /// Augmented pictures are opaque. A missing picture (a missing image, an empty path, no bytes) results in a missing image. A file that
    /// cannot be read is an error while estimators are fitted (`InvalidDataException`, with row, path and reason), and a missing image with
    /// a warning in scoring; the status column of `FineTuneImages` and `ExtractImageFeatures` has the reason.
    /// ]]></format>
    /// </remarks>
    /// <param name="catalog">The catalog <c>ml.Transforms</c>.</param>
    /// <param name="outputColumnName">Name of the new column of images; may be the input's name.</param>
    /// <param name="inputColumnName">Name of the column of images, paths or file contents. Default null: the output's name.</param>
    /// <param name="augmentation">
    /// The augmentation. Default null: <see cref="Augmentation.Light"/>. <see cref="Augmentation.MixUp"/> and
    /// <see cref="Augmentation.CutMix"/> are not supported, because they need a batch.
    /// </param>
    /// <param name="seed">The same seed gives the same pictures. Default null: the seed of the context, else 0.</param>
    /// <param name="imageFolder">
    /// The folder of relative paths; saved with the model. Default null: the current directory. Only for a column of paths.
    /// </param>
    /// <exception cref="ArgumentException">A name is empty, or the augmentation mixes the pictures of a batch.</exception>
    public static IEstimator<ITransformer> AugmentImages(
        this TransformsCatalog catalog, string outputColumnName, string? inputColumnName = null, Augmentation? augmentation = null,
        int? seed = null, string? imageFolder = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputColumnName);
        var input = new ImageColumn(inputColumnName ?? outputColumnName, imageFolder, Pixels: null);
        return new ImageAugmentingEstimator(
            Contexts.GetEnvironment(catalog), outputColumnName, input, PictureAugmenter.Checked(augmentation ?? Augmentation.Light), seed);
    }

    /// <summary>
    /// More rows for any trainer: the original rows, and copies of each with differently augmented pictures. Lazy: pictures are read and
    /// augmented when a cursor reads them. For training rows only, before the chain.
    /// </summary>
    /// <remarks>
    /// All original rows come first, then all rows of each copy. A trainer of ML.NET that shuffles mixes them if the view can be shuffled:
    /// a cache after the images have become numbers (<c>AppendCacheCheckpoint</c>) always can; without one, only if <paramref name="data"/>
    /// can be shuffled and has a known number of rows, unlike those of <c>LoadFromTextFile</c> and <c>LoadFromEnumerable</c>.
    /// <c>FineTuneImages</c> always mixes them. Each row of the result has an image of its own, which the reader owns; images of rows in
    /// memory are copied. <paramref name="groupColumnName"/>
    /// (UInt64) has a number for each row that is equal for its copies and different for other rows: as <c>samplingKeyColumnName</c> of
    /// <c>TrainTestSplit</c> and <c>CrossValidate</c>, and as group of <see cref="ValidationData.Fraction"/>, it keeps copies of a picture
    /// on one side. Test rows then include augmented pictures; to test on original pictures, split first and augment the training rows.
    /// Pictures that cannot be read are an error, as in <see cref="AugmentImages"/>.
    /// </remarks>
    /// <param name="catalog">The catalog <c>ml.Data</c>.</param>
    /// <param name="data">The original rows.</param>
    /// <param name="copies">Number of augmented copies of each row. At least 1.</param>
    /// <param name="augmentation">The augmentation, as in <see cref="AugmentImages"/>.</param>
    /// <param name="outputColumnName">Name of the new column of images; may be the input's name. Default "Image".</param>
    /// <param name="inputColumnName">Name of the column of images, paths or file contents. Default null: the output's name.</param>
    /// <param name="groupColumnName">Name of the column with the number of the original row. Default "OriginalRow".</param>
    /// <param name="keepOriginals">Whether the result includes the original rows. Default true.</param>
    /// <param name="seed">Seed of the random numbers. Default null: the context's, or 0 without one.</param>
    /// <param name="imageFolder">
    /// Folder to which relative paths refer. Default null: the current directory. Only for a column of paths.
    /// </param>
    /// <exception cref="ArgumentException">
    /// A name is empty, the group column already exists, or the augmentation mixes the pictures of a batch.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="copies"/> is below 1; or the input column is missing or has another type (ML.NET's own error).
    /// </exception>
    public static IDataView Augment(
        this DataOperationsCatalog catalog, IDataView data, int copies, Augmentation augmentation, string outputColumnName = "Image",
        string? inputColumnName = null, string groupColumnName = "OriginalRow", bool keepOriginals = true, int? seed = null,
        string? imageFolder = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(copies);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(groupColumnName);
        var env = Contexts.GetEnvironment(catalog);
        var input = new ImageColumn(inputColumnName ?? outputColumnName, imageFolder, Pixels: null);
        var estimator = new ImageAugmentingEstimator(env, outputColumnName, input, PictureAugmenter.Checked(augmentation), seed);
        return AugmentedRows.Of(env, data, copies, estimator.Fit(data), groupColumnName, keepOriginals);
    }
}
