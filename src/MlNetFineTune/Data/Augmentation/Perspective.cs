using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.Perspective"/>
internal sealed record Perspective : Augmentation
{
    public Perspective(float distortion = 0.5f, float probability = 0.5f)
    {
        Distortion = Checked.Range(distortion, 0, 1);
        Probability = Checked.Probability(probability);
    }

    public float Distortion { get; }

    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() >= Probability)
            return;
        var (width, height) = ((int)plan.PictureWidth, (int)plan.PictureHeight);
        var (across, down) = ((int)(Distortion * (width / 2)) + 1, (int)(Distortion * (height / 2)) + 1);
        Span<(double X, double Y)> corners = stackalloc (double, double)[4];
        // With a distortion above 2/3 the four corners may not form a convex quadrilateral: torchvision then folds the picture; here they
        // are drawn again.
        for (var attempt = 0; attempt < 10; attempt++)
        {
            corners[0] = (random.NextInt(across), random.NextInt(down));
            corners[1] = (width - 1 - random.NextInt(across), random.NextInt(down));
            corners[2] = (width - 1 - random.NextInt(across), height - 1 - random.NextInt(down));
            corners[3] = (random.NextInt(across), height - 1 - random.NextInt(down));
            if (Distort(ref plan, corners))
                return;
        }
    }

    /// <summary>Moves the picture's corners, clockwise from the upper left, to these positions. False if no projection does so.</summary>
    internal static bool Distort(ref ImagePlan plan, ReadOnlySpan<(double X, double Y)> corners)
    {
        var (right, bottom) = ((int)plan.PictureWidth - 1, (int)plan.PictureHeight - 1);
        if (Projection.FromCorners(corners, [(0, 0), (right, 0), (right, bottom), (0, bottom)]) is not { } map)
            return false;
        plan.Apply(map);
        return true;
    }
}
