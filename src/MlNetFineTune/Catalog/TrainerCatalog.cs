using MlNetFineTune;
using MlNetFineTune.MlNet;

namespace Microsoft.ML;

/// <summary>Shared code of the trainer catalogs.</summary>
internal static class TrainerCatalog
{
    /// <summary>Name of the context's catalog for tasks without a catalog in ML.NET: <see cref="FineTuningCatalog"/>.</summary>
    private const string Own = "FineTuning";

    /// <summary>Creates a trainer for any task.</summary>
    /// <param name="catalog">The catalog of the context.</param>
    /// <param name="options">Options with a task.</param>
    /// <exception cref="ArgumentException">The options have no task.</exception>
    public static FineTuningTrainer Create(FineTuningCatalog catalog, FineTuningOptions options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Task is null)
        {
            throw new ArgumentException(
                "Task is not set, and ml.FineTuning trains any: say which, as in Task = LearningTask.MultiLabel(), or call the Trainers of "
                + "ml.MulticlassClassification, ml.BinaryClassification or ml.Regression, which stand for theirs.", nameof(options));
        }
        return new FineTuningTrainer(catalog.Context, options);
    }

    /// <summary>Creates a trainer for the task of a catalog.</summary>
    /// <param name="catalog">A catalog of ML.NET.</param>
    /// <param name="options">Options whose task is null or belongs to this catalog.</param>
    /// <param name="task">The catalog's task, with its defaults.</param>
    /// <exception cref="ArgumentException">The options' task belongs to another catalog.</exception>
    public static FineTuningTrainer Create(TrainCatalogBase.CatalogInstantiatorBase catalog, FineTuningOptions options, LearningTask task)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Task is { } asked && asked.Catalog != task.Catalog)
        {
            throw new ArgumentException(
                $"Task is {asked}, which belongs to ml.{asked.Catalog}; these are the trainers of ml.{task.Catalog}. "
                + $"Leave Task out, or call ml.{asked.Catalog}{(asked.Catalog == Own ? "" : ".Trainers")}.", nameof(options));
        }
        return new FineTuningTrainer(Contexts.GetEnvironment(catalog), options with { Task = options.Task ?? task });
    }
}
