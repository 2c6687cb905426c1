using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Networks;

/// <summary>Recognises by names and shapes which network the weights of a file belong to, for error messages.</summary>
internal static class WeightsRecognition
{
    // What a network shares with its relatives (a stem, a stage) is no likeness.
    private const double LeastLikeness = 0.8;

    // Networks have some hundred tensors: a file with more than this many is not compared.
    private const int MostTensors = 20_000;

    /// <summary>A sentence, or null where the file is like none.</summary>
    /// <param name="file">What did not fit.</param>
    /// <param name="wanted">The network that it did not fit.</param>
    public static string? Hint(WeightFile file, string wanted)
    {
        if (file.Entries.Count > MostTensors)
            return null;
        if (Relative(file) is { } relative)
        {
            return $"The file is of {relative}, which is not among the networks here: in Python export it with torch.jit.trace, "
                + "for Backbone.FromTorchScript.";
        }
        (double Likeness, string Name) best = (0, "");
        foreach (var architecture in Architectures.All.Where(architecture => architecture.Name != wanted))
        {
            var likeness = Likeness(file, architecture);
            if (likeness > best.Likeness)
                best = (likeness, architecture.Name);
        }
        return best.Likeness switch
        {
            1 => $"These are the weights of {best.Name}: choose Backbone.FromName(\"{best.Name}\"), or the weights of {wanted}.",
            >= LeastLikeness => $"The file looks like {best.Name} (it has {best.Likeness:0 %} of its tensors), but is not quite it. "
                + $"Choose the backbone that the weights belong to, or the weights of {wanted}.",
            _ => null,
        };
    }

    // Transformers with more tokens are different networks, though most of their tensors have the same names.
    private static string? Relative(WeightFile file) =>
        Has(file, "distillation_token") || Has(file, "dist_token") ? "a distilled DeiT (it has a distillation token)"
        : Has(file, "register_tokens") || Has(file, "reg_token") ? "a transformer with register tokens"
        : null;

    private static bool Has(WeightFile file, string token) =>
        file.Entries.Any(entry => entry.Name == token || entry.Name.EndsWith("." + token, StringComparison.Ordinal));

    // The part of all tensors, of the network and of the file, that both have: a network with a few layers more is another one.
    private static double Likeness(WeightFile file, Architecture architecture)
    {
        var targets = architecture.Tensors;
        var naming = FileNaming.Choose(file.Entries, targets.ContainsKey, architecture.OtherNames, targets.Count);
        var fits = naming.Named
            .Where(pair => targets.TryGetValue(pair.Name, out var shape) && pair.Part.ShapeIn(shape).SequenceEqual(pair.Entry.Shape))
            .Select(pair => pair.Name).Distinct().Count();
        var foreign = naming.Named.Count(pair => !targets.ContainsKey(pair.Name) && !architecture.MayIgnore(pair.Name));
        return fits / (double)(targets.Count + foreign);
    }
}
