using MlNetFineTune;

namespace Microsoft.ML;

/// <summary>
/// The extension methods that this library adds to ML.NET: trainers, evaluation, loading and serving of models, loading of picture folders,
/// and <c>ml.FineTuning</c>.
/// </summary>
public static partial class FineTuningExtensions
{
    extension(MLContext context)
    {
        /// <summary>
        /// Trainers for any task and tools for fine-tuning. A language without extension properties (F#, C# 13) calls
        /// <c>get_FineTuning(context)</c>.
        /// </summary>
        public FineTuningCatalog FineTuning
        {
            get
            {
                ArgumentNullException.ThrowIfNull(context);
                return new FineTuningCatalog(context);
            }
        }
    }
}
