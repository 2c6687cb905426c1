using Microsoft.ML;
using MlNetFineTune;

var ml = new MLContext(seed: 1);
IDataView photos = ml.Data.LoadImageFolder("photos/train"); // a folder a class: Label, ImagePath

var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
    .Append(ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
    {
        Backbone = Backbone.MobileNetV2.WithWeights("mobilenetv2_100.safetensors"),
        Strategy = Strategy.Full(layerDecay: 0.7f),
        Augmentation = Augmentation.Light,
        Epochs = 10,
        Validation = ValidationData.Fraction(0.2f),
    }))
    .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));

ITransformer model = pipeline.Fit(photos);
var metrics = ml.MulticlassClassification.Evaluate(model.Transform(ml.Data.LoadImageFolder("photos/test")));
Console.WriteLine($"accuracy {metrics.MicroAccuracy:0.000}, F1 {metrics.F1().Macro:0.000}");
ml.Model.Save(model, photos.Schema, "photos.zip"); // weights, classes and preprocessing, all in the zip
