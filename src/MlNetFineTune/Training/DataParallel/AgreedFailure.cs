using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MlNetFineTune.Training;

/// <summary>
/// Exceptions that every process of a training throws at the same place, because they follow from what all know (a cancellation that was
/// agreed on, a loss that is not finite): no process waits for another one, and the group need not be aborted.
/// </summary>
internal static class AgreedFailure
{
    private static readonly ConditionalWeakTable<Exception, object> s_agreed = [];

    /// <summary>Marks an exception.</summary>
    public static T Of<T>(T exception)
        where T : Exception
    {
        s_agreed.AddOrUpdate(exception, s_agreed);
        return exception;
    }

    public static bool Is(Exception exception) => s_agreed.TryGetValue(exception, out _);

    /// <summary>
    /// Runs code that does the same in every process, and marks its exception. Memory and disks are those of one process: what they lack,
    /// and what libtorch throws (which may be that), is not agreed on.
    /// </summary>
    public static T In<T>(Func<T> code)
    {
        try
        {
            return code();
        }
        catch (Exception e) when (e is not (ExternalException or OutOfMemoryException or IOException))
        {
            Of(e);
            throw;
        }
    }

    /// <inheritdoc cref="In{T}(Func{T})"/>
    public static void In(Action code) => In(() =>
    {
        code();
        return true;
    });
}
