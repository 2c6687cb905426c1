using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace MlNetFineTune.Tests.Support;

/// <summary>A row with any of three labels, encoded as shifts of its six numbers.</summary>
public sealed class TagRow
{
    public static readonly string[] Names = ["Ant", "Bee", "Cat"];

    [VectorType(6)]
    public float[] Features { get; set; } = new float[6];

    public bool Ant { get; set; }

    public bool Bee { get; set; }

    public bool Cat { get; set; }

    /// <summary>The same labels by name, as many as there are.</summary>
    public string[] Tags { get; set; } = [];

    /// <summary>Ants are in half of the rows, bees in a quarter, cats in an eighth: some rows have nothing.</summary>
    public static TagRow[] Many(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => One(random))];
    }

    /// <summary>
    /// With Tags as Keys in the order of <paramref name="order"/>, and Labels as Booleans that are named by their columns.
    /// </summary>
    public static IDataView View(MLContext ml, IEnumerable<TagRow> rows, params string[] order)
    {
        var data = ml.Data.LoadFromEnumerable(rows.ToArray());
        var keys = ml.Data.LoadFromEnumerable((order.Length > 0 ? order : Names).Select(name => new TagName { Name = name }));
        return ml.Transforms.Conversion.MapValueToKey("Keys", "Tags", keyData: keys)
            .Append(ml.Transforms.Concatenate("Labels", "Ant", "Bee", "Cat")).Fit(data).Transform(data);
    }

    private static TagRow One(Random random)
    {
        bool[] labels = [random.NextDouble() < 0.5, random.NextDouble() < 0.25, random.NextDouble() < 0.125];
        return new TagRow
        {
            Features = [.. Enumerable.Range(0, 6).Select(f => (float)(random.NextDouble() - 0.5 + (labels[f % 3] ? 1.2 : 0)))],
            Ant = labels[0],
            Bee = labels[1],
            Cat = labels[2],
            Tags = [.. Names.Where((_, label) => labels[label])],
        };
    }

    private sealed class TagName
    {
        public string Name { get; set; } = "";
    }
}
