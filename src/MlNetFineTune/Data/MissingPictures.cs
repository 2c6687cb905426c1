namespace MlNetFineTune;

/// <summary>
/// Treatment of rows without a picture in a model with <see cref="ImageFineTuningOptions.TableColumns"/>. If they are allowed, a trained
/// vector (initially 0) replaces the picture's features, and the table's layers receive an additional indicator that is 1 if the picture is
/// missing.
/// </summary>
public enum MissingPictures
{
    /// <summary>
    /// The row is treated like one with a damaged picture: in training <see cref="FineTuningOptions.BadRows"/> applies, and its scores are
    /// NaN. The default.
    /// </summary>
    Refuse,

    /// <summary>
    /// A row without a picture (an empty path, a missing image, an empty vector) is used in training and scored from its table columns. A
    /// row whose file cannot be read is still a bad row.
    /// </summary>
    Allow,

    /// <summary>
    /// As <see cref="Allow"/>, and also for pictures that cannot be read. They are not reported: with a wrong
    /// <see cref="ImageFineTuningOptions.ImageFolder"/> the model would be trained on the table columns only.
    /// </summary>
    AllowUnreadable,
}
