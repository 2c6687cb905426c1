using System.Globalization;
using System.IO.Enumeration;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

public abstract partial record Adapter
{
    internal sealed record LoraAdapter : Adapter
    {
        private readonly int _rank;
        private readonly float _alpha;
        private readonly string _targets; // joined by commas, for value equality of the record
        private readonly float _dropout;

        public LoraAdapter(int rank, float alpha, IReadOnlyList<string> targets, float dropout)
        {
            if (rank is < 1 or > 1024)
                throw new ArgumentOutOfRangeException(nameof(rank), rank, "The rank must be from 1 to 1024.");
            if (!(alpha > 0 && float.IsFinite(alpha)))
                throw new ArgumentOutOfRangeException(nameof(alpha), alpha, "Alpha must be above 0.");
            if (!(dropout is >= 0 and < 1))
                throw new ArgumentOutOfRangeException(nameof(dropout), dropout, "The dropout must be at least 0 and below 1.");
            if (targets.Count == 0 || targets.Any(target => string.IsNullOrWhiteSpace(target) || target.Contains(',')))
                throw new ArgumentException("The targets must be names of layers, such as \"qkv\" or \"layer4.*\"; null adapts all.",
                    nameof(targets));
            (_rank, _alpha, _targets, _dropout) = (rank, alpha, string.Join(", ", targets.Select(target => target.Trim())), dropout);
        }

        private string[] Targets => _targets.Split(", ");

        internal override PlanRules Apply(FineTunedNetwork network, PlanRules plan, long seed, Action<string> log)
        {
            var before = network.Parameters().ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
            var fresh = network.FreshStages;
            var adaptable = Chosen(network).Where(named => !fresh.Contains(network.StageOf($"{named.Name}.weight"))).ToList();
            var chosen = adaptable.Where(named => plan.Phases.Any(part => part.ScaleOf(before[$"{named.Name}.weight"]) > 0)).ToList();
            if (chosen.Count == 0)
            {
                throw new ArgumentException(
                    $"{this} adapts {adaptable.Count} layers of {network.Name} ({Few(adaptable.Select(named => named.Name))}), "
                    + "but the strategy trains the weight of none of them, so that no adapter would ever train. "
                    + "Choose a strategy that trains their stages, such as Strategy.Full() or Strategy.LastStages(2).");
            }

            Attach(network, [.. chosen.Select(named => named.Name)], _rank, _alpha, _dropout);
            foreach (var (name, layer) in chosen)
                layer.Adapter!.Initialize(name, seed);
            log(
                string.Create(CultureInfo.InvariantCulture, $"{this}: {chosen.Count} layers have adapters of "
                    + $"{network.Adapters.NamedParameters().Sum(named => named.Parameter.numel()):N0} parameters; "
                    + $"the pretrained weights stay as they are."));
            return ChangedPlan.WithAdapters(
                plan, network, network.Adapters.NamedParameters()
                .ToDictionary(named => named.Name, named => before[WeightOf(named.Name)], StringComparer.Ordinal));
        }

        /// <summary>Adds adapters with zero weights to layers with the given exact names.</summary>
        /// <exception cref="ArgumentException">There is no such layer, or it cannot be adapted.</exception>
        public static void Attach(FineTunedNetwork network, IReadOnlyList<string> layers, int rank, float alpha, float dropout)
        {
            var known = network.AdaptableLayers().ToDictionary(named => named.Name, named => named.Layer, StringComparer.Ordinal);
            foreach (var name in layers)
            {
                if (!known.TryGetValue(name, out var layer) || Fault(layer, rank) is not null || layer.Adapter is not null)
                    throw new ArgumentException($"{network.Name} has no layer '{name}' that can have an adapter of rank {rank}");
                network.Adapt(name, layer, new LoraLayer(layer, rank, alpha, dropout));
            }
        }

        internal override AdapterDescription Describe(FineTunedNetwork network) => new(_rank, _alpha, [.. network.Adapters.Layers]);

        public override string ToString() =>
            FormattableString.Invariant($"Lora(rank: {_rank}, alpha: {_alpha}, targets: [{_targets}], dropout: {_dropout})");

        private List<(string Name, IAdaptable Layer)> Chosen(FineTunedNetwork network)
        {
            var layers = network.AdaptableLayers();
            var faults = new List<string>();
            foreach (var target in Targets)
            {
                var named = layers.Where(layer => Matches(target, layer.Name)).ToList();
                if (named.Count == 0)
                    faults.Add($"no layer is called {target}");
                else if (named.TrueForAll(layer => Fault(layer.Layer, _rank) is not null))
                    faults.Add($"{target} is {Few(named.Select(layer => $"{layer.Name}, {Fault(layer.Layer, _rank)}"), "; ")}");
            }
            if (faults.Count > 0)
            {
                throw new ArgumentException($"{this} does not fit {network.Name}: {string.Join("; ", faults)}. "
                    + (layers.Count > 0 ? $"Its layers are {Few(layers.Select(layer => layer.Name))}." : network.WhatAdapts));
            }
            return [.. layers.Where(layer => Targets.Any(target => Matches(target, layer.Name)) && Fault(layer.Layer, _rank) is null)];
        }

        // The complete name, or its end after a dot.
        private static bool Matches(string target, string name) =>
            FileSystemName.MatchesSimpleExpression(target, name, ignoreCase: false)
                || FileSystemName.MatchesSimpleExpression("*." + target, name, ignoreCase: false);

        private static string? Fault(IAdaptable layer, int rank) =>
            layer.Groups > 1 ? "a convolution in groups"
            : LoraLayer.Size(layer.Weight.shape, rank) >= layer.Weight.numel()
            ? $"which has fewer parameters than an adapter of rank {rank}"
            : null;

        private static string WeightOf(string parameter) =>
            parameter[..parameter.LastIndexOf(".lora_", StringComparison.Ordinal)] + ".weight";

        private static string Few(IEnumerable<string> names, string separator = ", ")
        {
            var all = names.ToList();
            return string.Join(separator, all.Take(8)) + (all.Count > 8 ? $" and {all.Count - 8} more" : "");
        }
    }
}
