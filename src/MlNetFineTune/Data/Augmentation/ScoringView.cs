using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>Which square of the resized picture a view takes.</summary>
internal enum ViewPlace
{
    Center,
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

/// <summary>
/// One look at a picture in scoring, as torchvision's <c>Resize</c>, mirror and crop: the shorter side becomes <paramref name="Scale"/>
/// times what evaluation makes it, the picture is mirrored or not, and a square of the network's size is taken. Nothing is random.
/// </summary>
internal sealed record ScoringView(
    ImagePreprocessing Preprocessing, ViewPlace Place = ViewPlace.Center, bool Mirrored = false, double Scale = 1) : Augmentation
{
    internal override bool Crops => true;

    /// <summary>Of the resized picture, in pixels; the square must fit.</summary>
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

        // Half to even, as Python rounds.
        static int Middle(int room) => (int)Math.Round(room / 2.0, MidpointRounding.ToEven);
    }
}
