using Microsoft.ML.Runtime;

namespace MlNetFineTune.Scoring;

/// <summary>
/// ML.NET calls the loaders of a model file by reflection, and wraps their exceptions in one or several
/// <see cref="System.Reflection.TargetInvocationException"/>, whose messages do not name the cause. Therefore the cause is logged as well.
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
