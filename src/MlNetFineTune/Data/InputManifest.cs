using System.Text.Json.Serialization;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Data;

/// <summary>The description of a network's input in a model file.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "Kind")]
[JsonDerivedType(typeof(ImageInputManifest), "Image")]
[JsonDerivedType(typeof(NumberInputManifest), "Numbers")]
[JsonDerivedType(typeof(SequenceInputManifest), "Sequence")]
[JsonDerivedType(typeof(TableInputManifest), "Table")]
[JsonDerivedType(typeof(FusedInputManifest), "ImageAndTable")]
[JsonDerivedType(typeof(TextInputManifest), "Text")]
[JsonDerivedType(typeof(WordInputManifest), "Words")]
[JsonDerivedType(typeof(AnswerInputManifest), "QuestionAndContext")]
internal abstract record InputManifest
{
    /// <exception cref="ArgumentException">The description is not valid.</exception>
    public abstract ModelInput Create();

    /// <summary>The content of a file beside the manifest that the input needs; null if there is none.</summary>
    [JsonIgnore]
    public virtual byte[]? Vocabulary => null;

    /// <summary>The same input with its vocabulary, if it has one.</summary>
    /// <param name="load">Loads the vocabulary from the model file.</param>
    public virtual InputManifest WithVocabulary(Func<byte[]> load) => this;

    /// <summary>The column of pictures that is the input of the first layer; null if there is none.</summary>
    public virtual ImageInputManifest? FindPictures() => null;

    /// <summary>The same input with the pictures in another column.</summary>
    public virtual InputManifest WithPicturesIn(string column) => this;

    /// <summary>Treatment of rows without a picture, if the input has a table; null without a table.</summary>
    public virtual MissingPictures? MissingPicturesBesideTable() => null;
}

/// <summary>A column of pictures.</summary>
internal sealed record ImageInputManifest(
    string Column, string? Folder, RawPixels? RawPixels, ImagePreprocessing Preprocessing, int Channels = InputChannels.Colors)
        : InputManifest
{
    public override ImageInput Create() => Create(prefersFiles: true);

    /// <summary>Creates it as the input of a module, which trains on images as they come.</summary>
    public ImageInput CreateForModule() => Create(prefersFiles: false);

    public override ImageInputManifest FindPictures() => this;

    public override ImageInputManifest WithPicturesIn(string column) => this with { Column = column };

    private ImageInput Create(bool prefersFiles) => Channels is 1 or InputChannels.Colors
        ? new(new ImageColumn(Column, Folder, RawPixels), new ImageEncoder(Preprocessing), Channels, prefersFiles)
        : throw new ArgumentException($"its pictures have {Channels} channels, and 3 (colours) and 1 (luminance) are possible");
}

/// <summary>A column of numbers or keys.</summary>
/// <param name="Column">Name of the column.</param>
/// <param name="Dimensions">Dimensions of one row's tensor.</param>
/// <param name="KeyCount">Values of a key and the missing one; 0 for numbers.</param>
internal sealed record NumberInputManifest(string Column, IReadOnlyList<long> Dimensions, int KeyCount) : InputManifest
{
    public override NumberInput Create() => new(Checked);

    /// <summary>Creates it as a column of a table beside a picture, which may have missing values.</summary>
    public NumberInput CreateForTable() => new(Checked, TableColumns.Role, allowsMissing: true);

    private ModuleContext.InputShape Checked
    {
        get
        {
            // The product as a decimal, which does not overflow silently.
            var size = Dimensions.Aggregate(1m, (product, dimension) =>
                dimension > 0 && product <= int.MaxValue ? product * dimension : decimal.MaxValue);
            return size <= Array.MaxLength / sizeof(float) && KeyCount >= 0 && (ulong)KeyCount <= ModuleInputShapes.MaximumKeys + 1
                ? new ModuleContext.InputShape(Column, Dimensions, KeyCount)
                : throw new ArgumentException(
                    $"there is no input {SafeText.Of(Column)} of {SafeText.Shape(Dimensions)} with {KeyCount} keys");
        }
    }
}

/// <summary>A column of sequences of numbers or keys.</summary>
/// <param name="Column">Name of the column.</param>
/// <param name="Step">Dimensions of one step.</param>
/// <param name="MaximumLength">Maximum number of steps.</param>
/// <param name="KeyCount">Values of a key and the missing one; 0 for numbers.</param>
internal sealed record SequenceInputManifest(string Column, IReadOnlyList<long> Step, int MaximumLength, int KeyCount) : InputManifest
{
    public override ModelInput Create()
    {
        // Checked as numbers of that size.
        var numbers = new NumberInputManifest(Column, [MaximumLength, .. Step], KeyCount).Create();
        return numbers.Shapes[0].Size <= SequenceShape.MostNumbers
            ? new SequenceInput(new SequenceShape(Column, Step, MaximumLength, KeyCount))
            : throw new ArgumentException($"there is no sequence of {numbers.Shapes[0].Size} numbers");
    }
}

/// <summary>Several columns.</summary>
internal sealed record TableInputManifest(IReadOnlyList<InputManifest> Parts) : InputManifest
{
    public override ModelInput Create() =>
        Parts.Count > 0 && Parts.All(part => part is ImageInputManifest or NumberInputManifest or SequenceInputManifest)
        ? new TableInput([.. Parts.Select(part => part is ImageInputManifest image ? image.CreateForModule() : part.Create())])
        : throw new ArgumentException("it has no inputs, or such as are none of a module");

    public override ImageInputManifest? FindPictures() => Parts is [ImageInputManifest only] ? only : null;

    public override InputManifest WithPicturesIn(string column) =>
        FindPictures() is { } only ? new TableInputManifest([only.WithPicturesIn(column)]) : this;
}

/// <summary>A picture and a table beside it.</summary>
internal sealed record FusedInputManifest(
    ImageInputManifest Image, IReadOnlyList<NumberInputManifest> Table, MissingPictures MissingPictures)
    : InputManifest
{
    public override ModelInput Create() => Table.Count > 0 && Table.All(column => column is not null)
        ? new FusedInput(Image.Create(), [.. Table.Select(column => column.CreateForTable())], MissingPictures)
        : throw new ArgumentException("it has a table without columns");

    public override ImageInputManifest FindPictures() => Image;

    public override InputManifest WithPicturesIn(string column) => this with { Image = Image.WithPicturesIn(column) };

    public override MissingPictures? MissingPicturesBesideTable() => MissingPictures;
}
