namespace TableAndPhoto;

/// <summary>
/// CIFAR-10 with a table that is simulated: what stands in it is drawn from the photo's class and a seed, and never from the photo. So
/// beside the class the two have nothing in common, which is the best case for fusion; how a real table does is for real data to say.
/// </summary>
internal static class CifarTable
{
    private const double Deviation = 3; // of the weight's logarithm: animals of one size overlap widely
    private const double Honest = 0.6; // share of the places that suit the class; the others are any place
    private const double Missing = 0.15; // of each column

    private static readonly string[] s_places = ["sky", "water", "road", "field", "home"];

    // The logarithm of a usual weight in kilograms, and the usual place.
    private static readonly Dictionary<string, (double Weight, string Place)> s_usual = new()
    {
        ["airplane"] = (11, "sky"),
        ["automobile"] = (7.2, "road"),
        ["bird"] = (-1, "sky"),
        ["cat"] = (1.4, "home"),
        ["deer"] = (4.5, "field"),
        ["dog"] = (3, "home"),
        ["frog"] = (-3, "water"),
        ["horse"] = (6.2, "field"),
        ["ship"] = (16, "water"),
        ["truck"] = (9, "road"),
    };

    /// <param name="folder">Has a folder of photos for each class.</param>
    /// <param name="perClass">Photos of each class, the first by name.</param>
    /// <param name="seed">Draws the table.</param>
    public static Item[] Read(string folder, int perClass, int seed)
    {
        var random = new Random(seed);
        return [.. s_usual.Keys
            .SelectMany(name => Directory.GetFiles(Path.Combine(folder, name)).Order(StringComparer.Ordinal).Take(perClass)
            .Select(photo => One(name, photo, random)))];
    }

    private static Item One(string name, string photo, Random random)
    {
        var (weight, place) = s_usual[name];
        var normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        var drawn = random.NextDouble() < Honest ? place : s_places[random.Next(s_places.Length)];
        return new Item
        {
            Label = name,
            Photo = photo,
            Weight = random.NextDouble() < Missing ? float.NaN : (float)(weight + Deviation * normal),
            Place = random.NextDouble() < Missing ? "" : drawn,
        };
    }
}
