using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Transforms;

namespace MlNetFineTune.Trainers;

/// <summary>
/// Handles <c>AugmentImages</c> in the chain before a trainer. If the trainer detects its view, it reads the original pictures and augments
/// them itself, as with its option: differently in every epoch, with a single resampling from photo to network, and not in validation.
/// It also reads paths and bytes itself (<see cref="DecodedFrom"/>), so that memory use and the reasons of bad pictures are those of the
/// option.
/// </summary>
internal static class UpstreamAugmentation
{
    /// <summary>Returns the data and options that the trainer uses.</summary>
    /// <param name="env">Environment for the log.</param>
    /// <param name="input">The input of the trainer.</param>
    /// <param name="options">The options set by the user.</param>
    /// <exception cref="InvalidOperationException">The option and the chain have different augmentations.</exception>
    public static (IDataView Data, FineTuningOptions Options) Resolve(IHostEnvironment env, IDataView input, FineTuningOptions options)
    {
        using var channel = env.Start(options.ComponentName);
        if (options.PictureColumn is not { } column || Find(env, input, column) is not { } found)
        {
            Warn(channel, input);
            return (input, options);
        }
        Warn(channel, found.View.Source);
        if (options.AsksForAugmentation && options.Augmentation != found.View.Augmentation)
        {
            throw new InvalidOperationException(
                $"The option Augmentation is {options.Augmentation}, and AugmentImages before the trainer makes column "
                + $"{SafeText.Quoted(column)} with {found.View.Augmentation}: leave one of the two out.");
        }
        channel.Info($"AugmentImages ({found.View.Augmentation}) is the trainer's: the pictures of column {SafeText.Quoted(column)} are "
            + "augmented by the trainer's seed, new in every epoch, and not in validation.");
        return (found.Data, options with { Augmentation = found.View.Augmentation });
    }

    // Other added columns, such as a key of the label, are also added to the view of original pictures.
    private static (AugmentedView View, IDataView Data)? Find(IHostEnvironment env, IDataView view, string column)
    {
        if (view is AugmentedView augmented && augmented.Transformer.OutputColumn == column)
            return (augmented, augmented.Transformer.Transform(augmented.Source));
        return DataViews.Remapped(env, view, column) is { } remap && Find(env, DataViews.SourceOf(view)!, column) is { } found
            ? (found.View, remap(found.Data))
            : null;
    }

    private static void Warn(IChannel channel, IDataView input)
    {
        var isCached = false;
        for (var view = input; view is not null; view = DataViews.SourceOf(view))
        {
            isCached |= DataViews.IsCache(view);
            if (view is AugmentedView)
            {
                channel.Warning("AugmentImages is before the trainer, but not where the trainer can take its part: every epoch sees the "
                    + "same augmented pictures, and so does the validation. "
                    + (isCached
                        ? "A cache (AppendCacheCheckpoint) after it keeps one draw, without any column of images: put it before "
                            + "AugmentImages, or leave it out, since FineTuneImages reads rows once."
                        : "Something between them changes the pictures or the rows: let FineTuneImages read the column that "
                            + "AugmentImages makes, or set the option Augmentation instead."));
                return;
            }
            if (DataViews.TransformerOf(view) is ImageAugmentingTransformer)
            {
                channel.Warning("AugmentImages is before the trainer, but leaves the pictures as they are, as in scoring: ML.NET augments "
                    + "only where it fits the steps of one flat chain. Append them one by one, not a chain within a chain or "
                    + "a fitted transformer's output, or set the option Augmentation.");
                return;
            }
        }
    }
}
