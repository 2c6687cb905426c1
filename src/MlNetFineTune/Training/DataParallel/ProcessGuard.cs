using System.Text.Json;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>
/// Holds the processes of a training together: at the beginning they compare what they train; a process that fails alone ends the others,
/// which would otherwise wait until their time limit.
/// </summary>
internal sealed class ProcessGuard(ProcessGroup processes)
{
    private bool _hasBegun;

    /// <summary>Waits for all processes, and compares what they are about to train.</summary>
    /// <param name="facts">What must be the same in all processes, by name. Called only if there are several.</param>
    /// <exception cref="ProcessGroupException">A process has failed before, or is about to train something else.</exception>
    public void Begin(Func<SortedDictionary<string, JsonElement>> facts)
    {
        if (_hasBegun || !processes.IsSeveral)
            return;
        processes.Position = "before the training";
        var all = Gather(new Opening(facts(), Failure: null));
        if (all.Index().FirstOrDefault(other => other.Item.Failure is not null) is (var failed, { Failure: { } failure }))
            throw AgreedFailure.Of(new ProcessGroupException($"Process {failed} of {all.Length} failed before the training: {failure}"));
        List<string> differences =
        [
            .. all.Index().Select(other => (other.Index, Difference: FingerprintDifference.Of(all[0].Facts, other.Item.Facts)))
                .Where(other => other.Difference is not null)
                .Select(other => $"process {other.Index} differs from process 0: {other.Difference}"),
        ];
        if (differences.Count > 0)
        {
            throw AgreedFailure.Of(new ProcessGroupException(
                $"The {all.Length} processes are not about to train the same: "
                + SafeText.Of(string.Join("; ", differences), 4 * SafeText.SentenceLength)
                + ". Start all with the same program, options, data and order of rows."));
        }
    }

    /// <summary>
    /// Tells the other processes that this one has failed, unless all have. Does not throw, so that the user sees the failure itself.
    /// </summary>
    public void Fail(Exception failure)
    {
        if (!processes.IsSeveral || failure is ProcessGroupException || AgreedFailure.Is(failure))
            return;
        try
        {
            if (_hasBegun)
                processes.Abort(failure);
            else
                Gather(new Opening([], $"{failure.GetType().Name}: {SafeText.Message(failure)}"));
        }
        catch (ProcessGroupException)
        {
            // Another process has failed as well, and nobody is left to be told.
        }
    }

    private Opening[] Gather(Opening mine)
    {
        _hasBegun = true;
        return Array.ConvertAll(
            processes.Gather(JsonSerializer.SerializeToUtf8Bytes(mine)), bytes => JsonSerializer.Deserialize<Opening>(bytes)!);
    }

    private sealed record Opening(SortedDictionary<string, JsonElement> Facts, string? Failure);
}
