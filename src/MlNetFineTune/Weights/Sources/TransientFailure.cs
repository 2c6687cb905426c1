using System.Net;
using System.Net.Http.Headers;

namespace MlNetFineTune.WeightSources;

/// <summary>An attempt that failed; another may succeed.</summary>
internal sealed class TransientFailure(string message, Exception? inner) : IOException(message, inner)
{
    public RetryConditionHeaderValue? RetryAfter { get; init; }

    public HttpStatusCode? StatusCode { get; init; }
}
