using Microsoft.ML;

namespace MlNetFineTune.Tool;

/// <summary>An examination of photos, with what it shows.</summary>
internal static class ExamineRun
{
    private const int Shown = 5;

    public static DataExamination Start(MLContext ml, IDataView train, IDataView? test, ExaminationOptions options)
    {
        DataExamination examination = ProgressDisplay.While("examining photos", progress =>
            ml.FineTuning.Examine(train, test, options with { Progress = new Share(progress) }));
        Screen.Line($"Found: {examination}");
        if (!double.IsNaN(examination.LabelAgreement))
        {
            Screen.Line($"A model that was not trained on a photo predicts its label for {100 * examination.LabelAgreement:0} % of them; "
                + "the fewer, the fewer of the likely label errors are real.");
        }
        foreach (DataExamination.Finding finding in examination.Findings.Take(Shown))
            Screen.Line($"  {finding}");
        if (options.ReportPath is { } page)
            Screen.Line($"All of it, with thumbnails: {page}");
        else if (examination.Findings.Count > Shown)
            Screen.Line($"  and {examination.Findings.Count - Shown} more; --report FILE writes a page with all of them.");
        return examination;
    }

    private sealed class Share(ProgressDisplay progress) : IProgress<float>
    {
        public void Report(float done) => progress.Show(done, "examining photos");
    }
}
