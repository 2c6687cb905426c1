namespace MlNetFineTune.Augmentations;

/// <summary>
/// What geometry does to one picture: the region of the (upright) source that fills the output, and whether it is mirrored. Operations change
/// the plan; the pixels are resampled once, at the end.
/// </summary>
internal struct ImagePlan
{
    /// <summary>Left edge of the region, in source pixels from the left.</summary>
    public double X;

    /// <summary>Upper edge of the region, in source pixels from the top.</summary>
    public double Y;

    /// <summary>Width of the region in source pixels.</summary>
    public double Width;

    /// <summary>Height of the region in source pixels.</summary>
    public double Height;

    /// <summary>Left and right exchanged.</summary>
    public bool Mirrored;

    /// <summary>
    /// What evaluation sees, as torchvision's <c>Resize</c> and <c>CenterCrop</c>: the shorter side becomes size / cropFraction pixels and the
    /// centre is cropped. Rounding included, so that the same pixels are read.
    /// </summary>
    public static ImagePlan CenterCrop(int width, int height, ImagePreprocessing preprocessing)
    {
        var size = preprocessing.Size;
        var shorter = (int)Math.Floor(size / (double)preprocessing.CropFraction + 1e-4);
        var (resizedWidth, resizedHeight) = width <= height
            ? (shorter, (int)((long)shorter * height / width))
            : ((int)((long)shorter * width / height), shorter);
        // Half to even, as Python rounds.
        var left = (int)Math.Round((resizedWidth - size) / 2.0, MidpointRounding.ToEven);
        var top = (int)Math.Round((resizedHeight - size) / 2.0, MidpointRounding.ToEven);
        var (scaleX, scaleY) = ((double)width / resizedWidth, (double)height / resizedHeight);
        return new ImagePlan { X = left * scaleX, Y = top * scaleY, Width = size * scaleX, Height = size * scaleY };
    }

    /// <summary>The whole picture: where augmentation begins.</summary>
    public static ImagePlan Whole(int width, int height) => new() { Width = width, Height = height };
}
