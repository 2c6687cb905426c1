namespace MlNetFineTune.Transforms;

/// <summary>
/// Maps heat, 0 to 1, to a colour by linear interpolation between some colours of matplotlib's "inferno" (CC0), whose lightness increases
/// uniformly, so that it is readable in greyscale and with colour vision deficiency.
/// </summary>
internal static class HeatColors
{
    private static readonly (float Red, float Green, float Blue)[] s_stops =
        [(0, 0, 4), (66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164)];

    /// <summary>The colour, each component from 0 to 255.</summary>
    public static (float Red, float Green, float Blue) Of(float heat)
    {
        var place = Math.Clamp(heat, 0, 1) * (s_stops.Length - 1);
        var first = Math.Min((int)place, s_stops.Length - 2);
        var (from, to, share) = (s_stops[first], s_stops[first + 1], place - first);
        return (Between(from.Red, to.Red), Between(from.Green, to.Green), Between(from.Blue, to.Blue));

        float Between(float before, float after) => before + (after - before) * share;
    }
}
