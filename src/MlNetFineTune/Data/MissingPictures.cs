namespace MlNetFineTune;

/// <summary>
/// What becomes of a row without a picture, where <see cref="ImageFineTuningOptions.TableColumns"/> say something of it nevertheless. In
/// place of the picture's features the head then sees a vector that is learnt (its initial values are 0), and the table's layers see an
/// indicator: 1 where the picture is missing.
/// </summary>
public enum MissingPictures
{
    /// <summary>
    /// The row is as unusable as one with a damaged picture: <see cref="FineTuningOptions.BadRows"/> says what training does, and scoring
    /// gives NaN. The default.
    /// </summary>
    Refuse,

    /// <summary>
    /// A row that names no picture (an empty path, an image that is missing, a vector without bytes) trains and is scored by its table. A
    /// file that is named and cannot be read is still a bad row.
    /// </summary>
    Allow,

    /// <summary>
    /// The same for pictures that cannot be read. Nothing is reported then: a wrong <see cref="ImageFineTuningOptions.ImageFolder"/> trains
    /// on the table alone.
    /// </summary>
    AllowUnreadable,
}
