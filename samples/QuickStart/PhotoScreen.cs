using MlNetFineTune;

namespace QuickStart;

/// <summary>Console output on photos.</summary>
internal static class PhotoScreen
{
    public static void ShowData(PhotoFolders folders, IReadOnlyList<string> trainLabels, IReadOnlyList<string> testLabels)
    {
        Screen.Title("Photos");
        Console.WriteLine($"train: {folders.Train}");
        Console.WriteLine($"test:  {folders.Test}");
        Screen.ShowClasses(trainLabels, testLabels);
    }

    public static void ShowExamination(DataExamination examination, string page)
    {
        Console.WriteLine($"Found: {examination}");
        Console.WriteLine($"A model that was not trained on a photo predicts its label for {100 * examination.LabelAgreement:0} % of them; "
            + "the fewer, the fewer of the likely label errors are real.");
        foreach (DataExamination.Finding finding in examination.Findings.Take(5))
            Console.WriteLine($"  {finding}");
        Console.WriteLine($"All of it, with thumbnails: {page}");
    }

    public static void ShowPrediction(Photo photo, PhotoPrediction prediction) =>
        Console.WriteLine($"Loaded in a fresh MLContext, it says of {photo.Label}/{Path.GetFileName(photo.ImagePath)}: "
            + $"{prediction.PredictedLabel}, probability {prediction.Score.Max():0.00}");
}
