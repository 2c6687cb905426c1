namespace MlNetFineTune.Data;

/// <summary>
/// A projective map of the plane as a 3 x 3 matrix: (x, y) -> ((A x + B y + C) / w, (D x + E y + F) / w) with w = G x + H y + I.
/// Coordinates are continuous, with pixel centres at half-integers. As usual for image warping, it maps positions of the output to
/// positions of the source.
/// </summary>
internal readonly record struct Projection(
    double A, double B, double C, double D, double E, double F, double G = 0, double H = 0, double I = 1)
{
    public static Projection Identity { get; } = Scaling(1, 1);

    public bool IsAffine => G == 0 && H == 0;

    public static Projection Scaling(double x, double y) => new(x, 0, 0, 0, y, 0);

    public static Projection Translation(double x, double y) => new(1, 0, x, 0, 1, y);

    /// <summary>The composition: first <paramref name="right"/>, then <paramref name="left"/>.</summary>
    public static Projection operator *(in Projection left, in Projection right) => new(
        left.A * right.A + left.B * right.D + left.C * right.G,
        left.A * right.B + left.B * right.E + left.C * right.H,
        left.A * right.C + left.B * right.F + left.C * right.I,
        left.D * right.A + left.E * right.D + left.F * right.G,
        left.D * right.B + left.E * right.E + left.F * right.H,
        left.D * right.C + left.E * right.F + left.F * right.I,
        left.G * right.A + left.H * right.D + left.I * right.G,
        left.G * right.B + left.H * right.E + left.I * right.H,
        left.G * right.C + left.H * right.F + left.I * right.I);

    /// <summary>
    /// Rotation (clockwise) and shear about a centre, scaling, then translation: torchvision's <c>affine</c> with its shear convention
    /// (functional.py, <c>_get_inverse_affine_matrix</c>).
    /// </summary>
    public static Projection Affine(
        double centerX, double centerY, double degrees, double translateX, double translateY, double scale, double shearX, double shearY)
    {
        var (turn, sx, sy) = (degrees * Math.PI / 180, shearX * Math.PI / 180, shearY * Math.PI / 180);
        var a = Math.Cos(turn - sy) / Math.Cos(sy);
        var b = -a * Math.Tan(sx) - Math.Sin(turn);
        var c = Math.Sin(turn - sy) / Math.Cos(sy);
        var d = -c * Math.Tan(sx) + Math.Cos(turn);
        // The inverse; the determinant without the scale is 1.
        var inverse = new Projection(d / scale, -b / scale, 0, -c / scale, a / scale, 0);
        return Translation(centerX, centerY) * inverse * Translation(-centerX - translateX, -centerY - translateY);
    }

    /// <summary>The projection that maps four points to four others.</summary>
    /// <returns>Null if three of the points are collinear, or if the orientation of the points changes.</returns>
    public static Projection? FromCorners(ReadOnlySpan<(double X, double Y)> from, ReadOnlySpan<(double X, double Y)> to)
    {
        if (!IsConvex(from) || !IsConvex(to))
            return null;
        // Heckbert 1989, "Fundamentals of texture mapping and image warping", section 2.2.3: from the unit square and back.
        var map = FromUnitSquare(to) * FromUnitSquare(from).Inverse();
        // The sign is arbitrary; w is made positive inside the corners.
        return map.G * from[0].X + map.H * from[0].Y + map.I > 0
            ? map
            : new(-map.A, -map.B, -map.C, -map.D, -map.E, -map.F, -map.G, -map.H, -map.I);
    }

    public Projection Inverse()
    {
        // The adjugate suffices: a projection is defined up to scale.
        var (a, b, c) = (E * I - F * H, C * H - B * I, B * F - C * E);
        var (d, e, f) = (F * G - D * I, A * I - C * G, C * D - A * F);
        var (g, h, i) = (D * H - E * G, B * G - A * H, A * E - B * D);
        return new(a / i, b / i, c / i, d / i, e / i, f / i, g / i, h / i);
    }

    /// <returns>NaN if the position has no image: on or beyond the horizon.</returns>
    public (double X, double Y) Map(double x, double y)
    {
        var w = G * x + H * y + I;
        return w > 0 ? ((A * x + B * y + C) / w, (D * x + E * y + F) / w) : (double.NaN, double.NaN);
    }

    /// <summary>
    /// Distances in the source for a unit step to the right and down at a position, and the smallest over all directions.
    /// </summary>
    public (double AlongX, double AlongY, double Least) Steps(double x, double y)
    {
        var w = G * x + H * y + I;
        var (px, py) = Map(x, y);
        var (xx, yx) = ((A - px * G) / w, (D - py * G) / w);
        var (xy, yy) = ((B - px * H) / w, (E - py * H) / w);
        // The smaller singular value of the Jacobian.
        var (sum, determinant) = (xx * xx + yx * yx + xy * xy + yy * yy, xx * yy - xy * yx);
        var least = Math.Sqrt(Math.Max(0, (sum - Math.Sqrt(Math.Max(0, sum * sum - 4 * determinant * determinant))) / 2));
        return (Math.Sqrt(xx * xx + yx * yx), Math.Sqrt(xy * xy + yy * yy), least);
    }

    private static Projection FromUnitSquare(ReadOnlySpan<(double X, double Y)> p)
    {
        // (0,0), (1,0), (1,1), (0,1).
        var (dx1, dx2, sx) = (p[1].X - p[2].X, p[3].X - p[2].X, p[0].X - p[1].X + p[2].X - p[3].X);
        var (dy1, dy2, sy) = (p[1].Y - p[2].Y, p[3].Y - p[2].Y, p[0].Y - p[1].Y + p[2].Y - p[3].Y);
        var determinant = dx1 * dy2 - dx2 * dy1;
        var g = (sx * dy2 - dx2 * sy) / determinant;
        var h = (dx1 * sy - sx * dy1) / determinant;
        return new(
            p[1].X - p[0].X + g * p[1].X, p[3].X - p[0].X + h * p[3].X, p[0].X,
            p[1].Y - p[0].Y + g * p[1].Y, p[3].Y - p[0].Y + h * p[3].Y, p[0].Y,
            g, h);
    }

    private static bool IsConvex(ReadOnlySpan<(double X, double Y)> p)
    {
        for (var i = 0; i < 4; i++)
        {
            var (a, b, c) = (p[i], p[(i + 1) % 4], p[(i + 2) % 4]);
            if ((b.X - a.X) * (c.Y - b.Y) - (b.Y - a.Y) * (c.X - b.X) <= 0)
                return false;
        }
        return true;
    }
}
