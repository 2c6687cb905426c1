namespace QuickStart;

/// <summary>A point of a path: position, width of the path and strength, 0..1.</summary>
internal readonly record struct Knot(float X, float Y, float Width, float Strength);

/// <summary>Paths over a surface, with the distance to the nearest path and its properties for each point.</summary>
internal sealed class Trace
{
    private readonly Surface _surface;
    private readonly float _reach;

    /// <param name="surface">The surface that the paths run over.</param>
    /// <param name="reach">Points farther than this from every path are not visited.</param>
    public Trace(Surface surface, float reach)
    {
        (_surface, _reach) = (surface, reach);
        Distance = new float[surface.Height.Length];
        Nearest = new Knot[surface.Height.Length];
        Array.Fill(Distance, float.MaxValue);
    }

    private float[] Distance { get; }

    private Knot[] Nearest { get; }

    public void Add(IReadOnlyList<Knot> path)
    {
        for (int i = 1; i < path.Count; i++)
        {
            AddSegment(path[i - 1], path[i]);
        }
    }

    /// <summary>Visits the points near a path: index in the arrays, distance, and the nearest knot of the path.</summary>
    public void ForEach(Action<int, float, Knot> visit)
    {
        for (int i = 0; i < Distance.Length; i++)
        {
            if (Distance[i] <= _reach)
            {
                visit(i, Distance[i], Nearest[i]);
            }
        }
    }

    private void AddSegment(Knot a, Knot b)
    {
        float scale = _surface.PixelsPerUnit;
        int last = _surface.Size - 1;
        int left = Math.Max(0, (int)((Math.Min(a.X, b.X) - _reach) * scale)),
        right = Math.Min(last, (int)((Math.Max(a.X, b.X) + _reach) * scale));
        int top = Math.Max(0, (int)((Math.Min(a.Y, b.Y) - _reach) * scale)),
        bottom = Math.Min(last, (int)((Math.Max(a.Y, b.Y) + _reach) * scale));
        float dx = b.X - a.X, dy = b.Y - a.Y, lengthSquared = Math.Max(1e-6f, (dx * dx) + (dy * dy));
        for (int row = top; row <= bottom; row++)
        {
            for (int column = left; column <= right; column++)
            {
                float x = ((column + 0.5f) / scale) - a.X, y = ((row + 0.5f) / scale) - a.Y;
                float t = Math.Clamp(((x * dx) + (y * dy)) / lengthSquared, 0f, 1f);
                float ox = x - (t * dx), oy = y - (t * dy), distance = MathF.Sqrt((ox * ox) + (oy * oy));
                int i = (row * _surface.Size) + column;
                if (distance < Distance[i])
                {
                    Distance[i] = distance;
                    Nearest[i] = new Knot(a.X + (t * dx), a.Y + (t * dy), a.Width + (t * (b.Width - a.Width)),
                        a.Strength + (t * (b.Strength - a.Strength)));
                }
            }
        }
    }
}
