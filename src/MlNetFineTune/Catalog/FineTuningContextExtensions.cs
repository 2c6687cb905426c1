using MlNetFineTune;

namespace Microsoft.ML;

/// <summary>Adds <c>FineTuning</c> to the context.</summary>
public static class FineTuningContextExtensions
{
    extension(MLContext context)
    {
        /// <summary>Tools around fine-tuning. A language without extension properties (F#, C# 13) calls <c>get_FineTuning(context)</c>.</summary>
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
