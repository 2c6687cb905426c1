using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>
/// The operations planned for one picture. Geometry: the region of the (upright) source that fills the output, mirroring, and, if that is
/// not sufficient, a projection. Operations change the plan; the source is resampled once at the end, and then <see cref="Pixels"/> are
/// applied.
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

    /// <summary>Whether left and right are exchanged.</summary>
    public bool Mirrored;

    /// <summary>Whether top and bottom are exchanged.</summary>
    public bool Flipped;

    /// <summary>
    /// The map from the coordinates of the region to those of the source; null for the identity. With a warp, areas outside the source are
    /// filled and <see cref="Warper"/> resamples the picture; without, <see cref="Resampler"/>.
    /// </summary>
    public Projection? Warp { get; private set; }

    /// <summary>Operations on the resampled pixels; null for none.</summary>
    public PixelOperations? Pixels { get; private set; }

    // Whether the region has been stretched to the output, which determines the picture's size for operations.
    private bool _isStretched;

    // Whether the output has the picture's own size instead of the network's.
    private bool _keepsSize;

    /// <summary>Preprocessing of evaluation: size, crop and mean.</summary>
    public ImagePreprocessing Preprocessing { get; private init; }

    /// <summary>Size of the output: the network's square, or the picture's own size.</summary>
    public PixelSize Output { get; private init; }

    /// <summary>Width of the picture for operations: that of the source, after a crop that of the output.</summary>
    public readonly double PictureWidth => _isStretched ? Output.Width : Width;

    /// <inheritdoc cref="PictureWidth"/>
    public readonly double PictureHeight => _isStretched ? Output.Height : Height;

    /// <summary>
    /// The view of evaluation, as torchvision's <c>Resize</c> and <c>CenterCrop</c> with the same rounding: the shorter side becomes size /
    /// cropFraction pixels and the centre is cropped.
    /// </summary>
    public static ImagePlan CenterCrop(int width, int height, ImagePreprocessing preprocessing)
    {
        var size = preprocessing.Size;
        var (resizedWidth, resizedHeight) = Resized(width, height, preprocessing);
        // Half to even, as in Python.
        var left = (int)Math.Round((resizedWidth - size) / 2.0, MidpointRounding.ToEven);
        var top = (int)Math.Round((resizedHeight - size) / 2.0, MidpointRounding.ToEven);
        var (scaleX, scaleY) = ((double)width / resizedWidth, (double)height / resizedHeight);
        return new ImagePlan
        {
            X = left * scaleX,
            Y = top * scaleY,
            Width = size * scaleX,
            Height = size * scaleY,
            Preprocessing = preprocessing,
            Output = size,
            _isStretched = true,
        };
    }

    /// <summary>The whole picture, from which augmentation starts.</summary>
    public static ImagePlan Whole(int width, int height, ImagePreprocessing preprocessing) =>
        new() { Width = width, Height = height, Preprocessing = preprocessing, Output = preprocessing.Size };

    /// <summary>A plan for the whole picture at its own size: without augmentation nothing is resampled.</summary>
    /// <param name="size">Size of the picture.</param>
    /// <param name="preprocessing">Interpolation and fill colour; its size and crop are not used.</param>
    public static ImagePlan AtOwnSize(PixelSize size, ImagePreprocessing preprocessing) => new()
    {
        Width = size.Width,
        Height = size.Height,
        Preprocessing = preprocessing,
        Output = size,
        _keepsSize = true,
    };

    /// <summary>A plan for the whole picture at another size.</summary>
    /// <param name="size">Size of the picture.</param>
    /// <param name="output">Size of the output.</param>
    /// <param name="preprocessing">Interpolation; its size and crop are not used.</param>
    public static ImagePlan Shrink(PixelSize size, PixelSize output, ImagePreprocessing preprocessing) =>
        AtOwnSize(size, preprocessing) with { Output = output };

    /// <summary>The size to which a picture is resized before the output is cropped.</summary>
    public readonly PixelSize ResizedForCrop(int width, int height)
    {
        if (_keepsSize)
            return Output;
        var (resizedWidth, resizedHeight) = Resized(width, height, Preprocessing);
        return new(resizedWidth, resizedHeight);
    }

    /// <summary>Size of a picture after resizing its shorter side to <see cref="ShorterSide"/>.</summary>
    public static (int Width, int Height) Resized(int width, int height, ImagePreprocessing preprocessing, double scale = 1)
    {
        var shorter = ShorterSide(preprocessing, scale);
        return width <= height ? (shorter, (int)((long)shorter * height / width)) : ((int)((long)shorter * width / height), shorter);
    }

    /// <summary>Shorter side of the resized picture: size / cropFraction pixels, times <paramref name="scale"/>.</summary>
    public static int ShorterSide(ImagePreprocessing preprocessing, double scale = 1) =>
        (int)Math.Floor(preprocessing.Size / (double)preprocessing.CropFraction * scale + 1e-4);

    /// <summary>Marks the region as stretched to the output: later operations use the output's size.</summary>
    public void Stretch() => _isStretched = true;

    /// <summary>Areas outside the source are filled instead of repeating its border.</summary>
    public void FillOutside() => Warp ??= Projection.Identity;

    /// <param name="map">From the picture after the operation to the picture before it,
    /// in pixels of <see cref="PictureWidth"/> x <see cref="PictureHeight"/>.</param>
    public void Apply(in Projection map)
    {
        var view = View(PictureWidth, PictureHeight);
        Warp = (Warp ?? Projection.Identity) * view * map * view.Inverse();
    }

    /// <summary>Appends an operation on the resampled pixels.</summary>
    public void Add(PixelFilter filter, double value = 0, Augmentation? owner = null) =>
        (Pixels ??= PixelOperations.Rent()).Add(new(filter, value, owner));

    /// <summary>Adapts the plan to a source decoded at another size.</summary>
    public void ScaleSource(double x, double y)
    {
        if (Warp is { } warp)
        {
            Warp = Projection.Scaling(x, y) * warp;
            return;
        }
        X *= x;
        Width *= x;
        Y *= y;
        Height *= y;
    }

    /// <summary>The map from output to source coordinates.</summary>
    public readonly Projection ToSource(PixelSize size) => (Warp ?? Projection.Identity) * View(size.Width, size.Height);

    /// <summary>Largest magnification from source to output. If it is below 1, the source can be decoded smaller by this factor.</summary>
    public readonly double Magnification(PixelSize size)
    {
        if (Warp is null)
            return Math.Max(size.Width / Width, size.Height / Height);
        var map = ToSource(size);
        var least = double.PositiveInfinity;
        for (var v = 0; v <= 2; v++)
        {
            for (var u = 0; u <= 2; u++)
            {
                if (map.Steps(u * size.Width / 2.0, v * size.Height / 2.0).Least is >= 0 and var step)
                    least = Math.Min(least, step);
            }
        }
        return 1 / least;
    }

    // The map from picture coordinates of operations to those of the region.
    private readonly Projection View(double width, double height)
    {
        var view = Projection.Translation(X, Y) * Projection.Scaling(Width / width, Height / height);
        if (Mirrored)
            view *= new Projection(-1, 0, width, 0, 1, 0);
        if (Flipped)
            view *= new Projection(1, 0, 0, 0, -1, height);
        return view;
    }
}
