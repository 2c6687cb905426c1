// Fine-tunes, scores and exports. Arguments: as of the console program.
open System
open System.Globalization
open System.IO
open Microsoft.ML
open Microsoft.ML.Data
open MlNetFineTune

[<EntryPoint>]
let main args =
    let ml = MLContext(seed = Nullable 1)
    let photos = ml.Data.LoadImageFolder(Path.Combine(args[0], "train"))
    let test = ml.Data.LoadImageFolder(Path.Combine(args[0], "test"))
    let options = ImageFineTuningOptions(Backbone = Backbone.Micro.WithWeights(args[1]))

    use model =
        EstimatorChain()
            .Append(ml.Transforms.Conversion.MapValueToKey("Label"))
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(options))
            .Fit(photos)

    let rows =
        model.Transform(test).GetColumn<float32[]>("Score")
        |> Seq.map (fun row -> row |> Seq.map (fun score -> score.ToString("R", CultureInfo.InvariantCulture)) |> String.concat " ")

    printfn "trained %s" (String.concat "|" rows)
    ml.Model.Save(model, photos.Schema, Path.Combine(args[2], "fsharp.zip"))
    FineTuningOnnxExtensions.ExportOnnx(FineTuningExtensions.get_FineTuning ml, model, Path.Combine(args[2], "fsharp.onnx"))
    0
