using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>Position of a view's square in the resized picture.</summary>
internal enum ViewPlace
{
    Center,
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

/// <summary>
/// One deterministic view of a picture in scoring, as torchvision's <c>Resize</c>, flip and crop: the shorter side becomes
/// <paramref name="Scale"/> times that of evaluation, the picture is optionally mirrored, and a square of the network's input size is
/// cropped.
/// </summary>
internal sealed record ScoringView(
    ImagePreprocessing Preprocessing, ViewPlace Place = ViewPlace.Center, bool Mirrored = false, double Scale = 1) : Augmentation
{
    internal override bool Crops => true;

    /// <summary>Shorter side of the resized picture in pixels; the square must fit.</summary>
    internal int Shorter => ImagePlan.ShorterSide(Preprocessing, Scale);

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        var (whole, size) = ((Width: plan.Width, Height: plan.Height), Preprocessing.Size);
        var (width, height) = ImagePlan.Resized((int)whole.Width, (int)whole.Height, Preprocessing, Scale);
        var (left, top) = Place switch
        {
            ViewPlace.TopLeft => (0, 0),
            ViewPlace.TopRight => (width - size, 0),
            ViewPlace.BottomLeft => (0, height - size),
            ViewPlace.BottomRight => (width - size, height - size),
            _ => (Middle(width - size), Middle(height - size)),
        };
        if (Mirrored)
            left = width - size - left; // of the mirrored picture
        var (scaleX, scaleY) = (whole.Width / width, whole.Height / height);
        (plan.X, plan.Y, plan.Width, plan.Height, plan.Mirrored) = (left * scaleX, top * scaleY, size * scaleX, size * scaleY, Mirrored);

        // Half to even, as in Python.
        static int Middle(int room) => (int)Math.Round(room / 2.0, MidpointRounding.ToEven);
    }
}
