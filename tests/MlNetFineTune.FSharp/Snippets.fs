/// The public interface as F# sees it. Lists without a name (`params` in C#) are arrays there, so that nothing need be given.
module MlNetFineTune.FSharp.Snippets

open Microsoft.ML
open MlNetFineTune

let inputs = [| ModuleInput.Column("Features"); ModuleInput.Column("Series", 12L, 3L) |]

let augmentation = Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea = 0.25f), Augmentation.HorizontalFlip())

let classWeights = [| ClassWeights.Of(1f, 5f); ClassWeights.Of(struct ("crack", 5f)) |]

let views = TestTimeAugmentation.MultiScale(1f, 1.25f)

let options =
    ImageFineTuningOptions(
        Backbone = Backbone.Micro.FromScratch(),
        Augmentation = augmentation,
        Strategy = Strategy.Custom(fun name -> if name.StartsWith("fc.", System.StringComparison.Ordinal) then 1f else 0.1f),
        Epochs = 2
    )

let trainer (ml: MLContext) = ml.MulticlassClassification.Trainers.FineTuneImages(options)

/// F# has no extension properties of C# 14.
let fineTuning (ml: MLContext) = FineTuningExtensions.get_FineTuning ml

/// Nor static extension members.
let processes () = MpiProcessGroup.Mpi()

let localRank (group: ProcessGroup) = MpiProcessGroup.get_LocalRank group
