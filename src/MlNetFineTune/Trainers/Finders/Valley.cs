namespace MlNetFineTune.Trainers;

/// <summary>fastai's suggestion (https://docs.fast.ai/callback.schedule.html, <c>valley</c>): the middle of the second third of the longest
/// falling subsequence of the losses.</summary>
internal static class Valley
{
    /// <returns>An index of <paramref name="losses"/>.</returns>
    public static int Find(ReadOnlySpan<double> losses)
    {
        var longest = new int[losses.Length]; // length of the longest falling subsequence ending there
        var end = 0;
        for (var i = 0; i < losses.Length; i++)
        {
            longest[i] = 1;
            for (var j = 0; j < i; j++)
            {
                if (losses[i] < losses[j] && longest[j] >= longest[i])
                    longest[i] = longest[j] + 1;
            }
            if (longest[i] > longest[end])
                end = i;
        }
        var third = longest[end] / 3.0;
        return Math.Max(end - longest[end] + (int)third + (int)(third / 2), 0);
    }
}
