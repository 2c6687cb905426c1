using MlNetFineTune;
using MlNetFineTune.MlNet;

namespace Microsoft.ML;

/// <summary>Shared code of the trainer catalogs.</summary>
internal static class TrainerCatalog
{
    /// <summary>A trainer of a catalog.</summary>
    /// <param name="catalog">One of ML.NET's.</param>
    /// <param name="options">Options whose task is of this catalog, or null.</param>
    /// <param name="task">The catalog's, with its defaults.</param>
    /// <exception cref="ArgumentException">The options' task is another catalog's.</exception>
    public static FineTuningTrainer Create(TrainCatalogBase.CatalogInstantiatorBase catalog, FineTuningOptions options, LearningTask task)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Task is { } asked && asked.Catalog != task.Catalog)
        {
            throw new ArgumentException(
                $"Task is {asked}, which belongs to ml.{asked.Catalog}; these are the trainers of ml.{task.Catalog}. "
                + $"Leave Task out, or call ml.{asked.Catalog}.Trainers.", nameof(options));
        }
        return new FineTuningTrainer(Contexts.GetEnvironment(catalog), options with { Task = options.Task ?? task });
    }
}
