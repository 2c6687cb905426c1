using Microsoft.ML.Runtime;

namespace MlNetFineTune.Scoring;

/// <summary>
/// ML.NET calls the loaders of a model file by reflection, and what they throw arrives inside one <see
/// cref="System.Reflection.TargetInvocationException"/> or several, whose own messages say nothing. So the reason is in the log as well.
/// </summary>
internal static class LoadingLog
{
    public static T Explain<T>(IHostEnvironment env, Func<T> load)
    {
        try
        {
            return load();
        }
        catch (Exception e)
        {
            using var channel = env.Start("Loading a fine-tuned model");
            channel.Error(e.Message);
            throw;
        }
    }
}
