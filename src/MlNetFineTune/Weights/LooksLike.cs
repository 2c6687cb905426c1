using MlNetFineTune.Backbones;

namespace MlNetFineTune.WeightFiles;

/// <summary>Says which of our networks a file's weights are of, by names and shapes. Networks are made one at a time and never filled, so this is for errors only.</summary>
internal static class LooksLike
{
    // What a network shares with its relatives (a stem, a stage) is no likeness.
    private const double LeastLikeness = 0.8;

    /// <summary>A sentence, or null where the file is like none.</summary>
    /// <param name="file">What did not fit.</param>
    /// <param name="wanted">The network that it did not fit.</param>
    public static string? Hint(WeightFile file, string wanted)
    {
        (double Likeness, string Name) best = (0, "");
        foreach (var family in BackboneFamilies.All.Where(family => family.Name != wanted))
        {
            var likeness = Likeness(file, family);
            if (likeness > best.Likeness)
                best = (likeness, family.Name);
        }
        return best.Likeness switch
        {
            1 => $"These are the weights of {best.Name}: choose Backbone.FromName(\"{best.Name}\"), or the weights of {wanted}.",
            >= LeastLikeness => $"The file looks like {best.Name} (it has {best.Likeness:0 %} of its tensors), but is not quite it. Choose the backbone that the weights belong to, or the weights of {wanted}.",
            _ => null,
        };
    }

    // The part of all tensors, of the network and of the file, that both have: a network with a few layers more is another one.
    private static double Likeness(WeightFile file, BackboneFamily family)
    {
        using var network = family.Create(family.DefaultRecipe);
        var targets = network.NamedTensors().ToDictionary(target => target.Name, target => target.Tensor.shape, StringComparer.Ordinal);
        var naming = FileNaming.Choose(file.Entries, targets.ContainsKey, family.OtherNames);
        var fits = naming.Named.Count(pair => targets.TryGetValue(pair.Name, out var shape) && shape.SequenceEqual(pair.Entry.Shape));
        var foreign = naming.Named.Count(pair => !targets.ContainsKey(pair.Name)
            && !pair.Name.StartsWith(family.Classifier + ".", StringComparison.Ordinal) && !pair.Name.EndsWith(".num_batches_tracked", StringComparison.Ordinal));
        return fits / (double)(targets.Count + foreign);
    }
}
