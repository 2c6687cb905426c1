namespace MlNetFineTune.Documents;

/// <summary>Code of docs/calibration.md.</summary>
internal static class CalibrationPage
{
    public static ImageFineTuningOptions Options()
    {
        var options = new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights("mobilenetv2_100.safetensors"),
            Validation = ValidationData.Fraction(0.2f),
            Task = LearningTask.Multiclass(calibration: Calibration.Temperature(targetPrecision: 0.95f)), // default: Calibration.None
        };
        return options;
    }

    public static void Reject(FineTuningTransformer model, float score, Action GiveToAPerson)
    {
        Calibration.Report found = model.Calibration!; // also in model.Report; null without calibration
        Console.WriteLine($"T {found.Temperature:0.00}; expected calibration error on {found.Rows} rows: "
            + $"{found.ErrorBefore:0.000}, calibrated {found.ErrorAfter:0.000}");
        if (found.RejectThresholds["crack"] is not { } least || score < least) // the score of the predicted class
            GiveToAPerson();
    }
}
