namespace MlNetFineTune.Reporting;

/// <summary>The table of the network's layers, with the trained parameters and learning rates.</summary>
internal static class LayerTable
{
    public static Markup Of(IReadOnlyList<ModelLayer> layers)
    {
        return layers.Count == 0 ? Markup.None : (Markup)$"""
            <section><h2>Layers</h2>
            <div class="wide"><table><thead><tr><th>layer</th><th class="number">parameters</th>
            <th class="number">trained</th><th class="number">learning rate</th></tr></thead>
            <tbody>{layers.Select(Row)}</tbody></table></div>
            <p class="note">From input to output. Learning rates are those before the schedule.</p></section>
            """;

        static Markup Row(ModelLayer layer) => $"""
            <tr><td><bdi>{layer.Name}</bdi></td><td class="number">{layer.Parameters:N0}</td>
            <td class="number">{TrainedOf(layer)}</td><td class="number">{layer.Rates}</td></tr>
            """;
    }

    private static string TrainedOf(ModelLayer layer) =>
        layer.IsFrozen == true ? "frozen" : FormattableString.Invariant($"{layer.TrainedParameters:N0}");
}
