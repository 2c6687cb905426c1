using MlNetFineTune;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Transforms;

namespace Microsoft.ML;

// Augmentation for any trainer: ml.Transforms.AugmentImages(...), ml.Data.Augment(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Changes pictures at random while the estimators after it are fitted, and leaves them as they are in scoring, evaluation and the
    /// saved model. Needs no data to be fitted itself.
    /// </summary>
    /// <remarks>
    /// <format type="text/markdown"><![CDATA[
    /// ### Estimator Characteristics
    /// | | |
    /// | -- | -- |
    /// | Does this estimator need to look at the data to train its parameters? | No |
    /// | Input column data type | Image, or Text (paths), or Vector of Byte (the bytes of JPEG, PNG, GIF, BMP and WebP files) |
    /// | Output column data type | Image, of the input's own size; files are turned upright as their EXIF says |
    /// | Exportable to ONNX | No |
    ///
    /// A row has the same augmented picture on every cursor, whatever the order of the rows and the number of threads: random numbers are
    /// counted by seed and row id. A trainer of ML.NET sees one draw of each row; `ml.Data.Augment` gives it several. `FineTuneImages`
    /// directly after it, or after steps that only add other columns, takes the augmentation for its own option and reads the column of
    /// paths or bytes itself: new pictures in every epoch by its own seed, the same weights bit for bit as with the option, validation on
    /// the pictures as they are, and the same treatment of bad and missing pictures. Its fitted model reads the paths or bytes in scoring,
    /// too, where nothing between them makes the images anew.
    ///
    /// ML.NET augments in one flat chain alone: in a chain that is appended as a whole the pictures stay as they are.
    /// `AppendCacheCheckpoint` after it keeps one draw, and drops columns of images.
    ///
    /// An area or ratio of a crop is that to the picture's own. What comes into view from outside has ImageNet's mean colour. Augmented
    /// pictures are opaque. A missing picture (a missing image, an empty path, no bytes) stays a missing image. A file that cannot be read
    /// is an error while estimators are fitted (`InvalidDataException`, with row, path and reason), and a missing image and a warning in
    /// scoring; the status column of `FineTuneImages` and `ExtractImageFeatures` has the reason.
    /// ]]></format>
    /// </remarks>
    /// <param name="catalog">The transforms.</param>
    /// <param name="outputColumnName">Name of the column of images that is made; it may be the input's.</param>
    /// <param name="inputColumnName">Name of the column of images, paths or files' bytes. Default null: the output's name.</param>
    /// <param name="augmentation">
    /// What is done to a picture. Default null: <see cref="Augmentation.Light"/>. <see cref="Augmentation.MixUp"/> and
    /// <see cref="Augmentation.CutMix"/> cannot take part: they need a batch.
    /// </param>
    /// <param name="seed">The same seed, the same pictures. Default null: the context's, else 0.</param>
    /// <param name="imageFolder">The folder of relative paths; saved with the model. Default null: the current directory. Only for a column
    /// of paths.</param>
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
    /// More rows for any trainer: the rows as they are, and each of them again with pictures that are augmented, new in every copy. Lazy:
    /// pictures are read and drawn when a cursor asks for them. Give it training rows alone, and put it before the chain.
    /// </summary>
    /// <remarks>
    /// First come all rows as they are, then all rows once a copy. A trainer of ML.NET that shuffles mixes them where the view can be
    /// shuffled: a cache after the images have become numbers (<c>AppendCacheCheckpoint</c>) always can; without one, only if
    /// <paramref name="data"/> can and knows its number of rows, which those of <c>LoadFromTextFile</c> and <c>LoadFromEnumerable</c>
    /// do not. <c>FineTuneImages</c> always mixes them. Images in memory stay those of the rows: each row of the result has an image of
    /// its own, which belongs to its reader. Every row has a number in
    /// <paramref name="groupColumnName"/> (UInt64) that it shares with its copies and with no other: as <c>samplingKeyColumnName</c> of
    /// <c>TrainTestSplit</c> and <c>CrossValidate</c>, and as group of <see cref="ValidationData.Fraction"/>, it keeps copies of a picture
    /// on one side. The augmented pictures are test rows as well then; to test on pictures as they are, split first and augment the
    /// training rows. Pictures that cannot be read are an error, as in <see cref="AugmentImages"/>.
    /// </remarks>
    /// <param name="catalog">The data operations.</param>
    /// <param name="data">The rows.</param>
    /// <param name="copies">Augmented copies of each row. At least 1.</param>
    /// <param name="augmentation">What is done to a picture, as in <see cref="AugmentImages"/>.</param>
    /// <param name="outputColumnName">Name of the column of images that is made; it may be the input's. Default "Image".</param>
    /// <param name="inputColumnName">Name of the column of images, paths or files' bytes. Default null: the output's name.</param>
    /// <param name="groupColumnName">Name of the column with the number of the original row. Default "OriginalRow".</param>
    /// <param name="keepOriginals">Whether the rows as they are are there too. Default true.</param>
    /// <param name="seed">The same seed, the same pictures. Default null: the context's, else 0.</param>
    /// <param name="imageFolder">The folder of relative paths. Default null: the current directory. Only for a column of paths.</param>
    /// <exception cref="ArgumentException">A name is empty or taken, or the augmentation mixes the pictures of a batch.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="copies"/> is below 1; or, ML.NET's own error, the column is missing or
    /// of another type.</exception>
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
