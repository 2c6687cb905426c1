namespace TableAndPhoto;

/// <summary>
/// CIFAR-10 with a simulated table: its values are drawn from the photo's class and a seed, independently of the photo. Given the class,
/// photo and table are independent, which is the best case for fusion; results with real tables will differ.
/// </summary>
internal static class CifarTable
{
    private const double Deviation = 3; // of the logarithm of the weight: classes overlap widely
    private const double Honest = 0.6; // fraction of places drawn from the class's usual place; the others are random
    private const double Missing = 0.15; // fraction of missing values in each column

    private static readonly string[] s_places = ["sky", "water", "road", "field", "home"];

    // Logarithm of the usual weight in kilograms, and the usual place.
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

    /// <param name="folder">Folder with a subfolder of photos for each class.</param>
    /// <param name="perClass">Number of photos per class, the first by name.</param>
    /// <param name="seed">Seed of the table.</param>
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
