namespace MlNetFineTune.Backbones;

/// <summary>
/// What every listed network costs: constants, so that a list of networks needs neither libtorch nor a second. A test builds each network, counts
/// again and prints this table where it differs.
/// </summary>
internal static class BackboneCosts
{
    private static readonly Dictionary<string, (long Parameters, long MultiplyAdds, int Features)> s_byName = new(StringComparer.Ordinal)
    {
    };

    public static BackboneInfo Of(BackboneFamily family)
    {
        var (parameters, multiplyAdds, features) = s_byName.GetValueOrDefault(family.Name);
        return new BackboneInfo(family.Name, parameters, multiplyAdds, family.DefaultRecipe.Preprocessing.Size, features);
    }
}
